/** Bytes of one message, which is protobuf's own limit: larger models keep their tensors in a file beside them. */
export const MAX_MODEL_BYTES: number = 2 ** 31 - 1

/** Nodes of a model, those of sub-graphs included; exported transformers have some thousands. */
export const MAX_NODES = 200_000

/** Tensors of a model, those in attributes included. */
export const MAX_TENSORS = 200_000

/** Bytes of a name or of a text in an attribute. Scopes of deep modules reach some hundreds. */
export const MAX_TEXT_BYTES = 65_536

/** Inputs and outputs of one node; a Concat of experts has some hundreds. */
export const MAX_NODE_VALUES = 4096

/** Attributes of one node, and its entries of metadata. */
export const MAX_NODE_ENTRIES = 64

/** Values of an attribute that is a list. Tree ensembles hold all their nodes in such lists. */
export const MAX_LIST = 4_000_000

/** Dimensions of a tensor; the operators of ONNX need 5. */
export const MAX_RANK = 16

/** Elements of a tensor, so that products of dimensions are exact. */
export const MAX_ELEMENTS: number = 2 ** 40

/** How deep graphs lie in graphs (`If` in `If`): bounds the recursion of reader and writer. */
export const MAX_DEPTH = 8
