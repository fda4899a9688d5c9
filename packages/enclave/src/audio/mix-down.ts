/**
 * One channel from planar ones: their plain average. A level that depends on no layout suits speech;
 * sound in exact opposite phase cancels, as it does for every such mix.
 */
export function mixDown(channels: readonly Float32Array[]): Float32Array {
  const [first] = channels
  if (!first || channels.length === 1) return first ?? new Float32Array(0)
  const mono = Float32Array.from(first)
  for (const channel of channels.slice(1)) {
    for (let i = 0; i < mono.length; i++) mono[i]! += channel[i]!
  }
  const scale = 1 / channels.length
  for (let i = 0; i < mono.length; i++) mono[i]! *= scale
  return mono
}
