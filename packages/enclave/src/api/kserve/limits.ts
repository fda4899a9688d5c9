/** JSON of a request at most: what is larger travels as binary data, which costs nothing to read. */
export const MAX_JSON_BYTES: number = 8 * 1024 * 1024
/** Binary data of a request at most: an engine takes 64 MiB in one message, names and shapes included. */
export const MAX_BINARY_BYTES: number = 63 * 1024 * 1024
/** Memory for the tensors of all requests that are still being received or computed. */
export const MAX_HELD_BYTES: number = 4 * MAX_BINARY_BYTES
/** Inputs of a request at most, and outputs: an engine takes 256 tensors in one message. */
export const MAX_TENSORS = 128
/** Characters of a tensor's name, and of a request's id. */
export const MAX_NAME_LENGTH = 256
/** Parameters of one object at most. */
export const MAX_PARAMETERS = 32
