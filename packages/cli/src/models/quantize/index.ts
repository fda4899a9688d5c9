export { findQuantizer } from './find-quantizer.ts'
export { quantize, type Quantized, type QuantizeRequest } from './quantize.ts'
export { type Quantization, QUANTIZATIONS } from './types.ts'
