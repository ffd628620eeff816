/** A statement that a connection prepares at its first use. Its name is its own in the whole program. */
export type Statement = { readonly name: string; readonly text: string };
