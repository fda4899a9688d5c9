import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createInterface, type Interface } from 'node:readline'

/** What torch is asked for; `drawn` rows are others in each step. */
export type TorchCase =
  | { kind: 'fixed' | 'drawn'; sizes: readonly number[]; batch: number }
  | ({ kind: 'lora'; batch: number; length: number; rank: number } & LlamaShape)

/** Sizes of a llama. */
export interface LlamaShape {
  layers: number
  width: number
  heads: number
  kvHeads: number
  inner: number
  words: number
}

const PROGRAM = fileURLToPath(new URL('../peers/python/train.py', import.meta.url))

/** torch in a process of its own, on one thread. */
export class Torch {
  readonly version: string
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(version: string, child: ChildProcess, lines: AsyncIterator<string>) {
    this.version = version
    this.#child = child
    this.#lines = lines
  }

  /** @returns undefined where this Python has no torch */
  static async start(python: string): Promise<Torch | undefined> {
    if (spawnSync(python, ['-c', 'import torch']).status !== 0) return undefined
    const child = spawn(python, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] })
    const reading: Interface = createInterface({ input: child.stdout })
    const lines = reading[Symbol.asyncIterator]()
    const { value } = (await lines.next()) as { value: string }
    return new Torch((JSON.parse(value) as { torch: string }).torch, child, lines)
  }

  /** Examples, or tokens, a second of processor time. */
  async perSecond(of: TorchCase, seconds: number): Promise<number> {
    this.#child.stdin!.write(`${JSON.stringify({ ...of, seconds })}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('torch ended')
    return (JSON.parse(value) as { perSecond: number }).perSecond
  }

  stop(): void {
    this.#child.stdin!.end()
  }
}
