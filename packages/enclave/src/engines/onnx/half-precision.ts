import { Tensor } from 'onnxruntime-node'

/**
 * Makes the runtime's tensors keep half precision as bit patterns in a `Uint16Array`. It looks once, when the first
 * tensor is made, whether there is a `Float16Array`, and uses it then; but its native half (1.30) sees no bytes in one,
 * so that a float16 input fails. So it looks while there is none.
 */
function keepHalvesAsBits(): void {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array')
  if (own === undefined) return
  Reflect.deleteProperty(globalThis, 'Float16Array')
  try {
    void new Tensor('float16', new Uint16Array(1), [1])
  } finally {
    Object.defineProperty(globalThis, 'Float16Array', own)
  }
}

keepHalvesAsBits()
