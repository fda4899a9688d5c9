/** Types that `sotto models quantize` makes, with the names llama.cpp has for them. */
export const QUANTIZATIONS = ['f16', 'q8_0', 'q5_k_m', 'q5_0', 'q4_k_m', 'q4_0'] as const
export type Quantization = (typeof QUANTIZATIONS)[number]

/** Types whose weights have lost nothing that matters: where one starts from. */
export const WHOLE: ReadonlySet<string> = new Set(['f32', 'f16', 'bf16'])
