/** An answer's media type without parameters, in lower case; empty where none is named. */
export const mediaTypeOf = (response: Response): string => {
  const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
  return type.trim().toLowerCase();
};
