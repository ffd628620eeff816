const json = /^application\/(?:json|[\w!#$&^.+-]+\+json)$/i;
const charset = /^charset\s*=\s*"?([^"]*)"?$/i;

/** Whether a `Content-Type` means JSON (RFC 8259, or a `+json` type of RFC 6839), which is UTF-8. */
export const isJsonMediaType = (header: string): boolean => {
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim());
  if (!json.test(type)) return false;
  return parameters.every((parameter) => {
    const name = charset.exec(parameter)?.[1];
    return name === undefined || /^(?:utf-?8|us-ascii)$/i.test(name);
  });
};
