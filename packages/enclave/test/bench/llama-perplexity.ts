import { spawnSync } from 'node:child_process'

/** Runs again at most so often: on a busy machine the tool ends before its log has been written. */
const MAX_RUNS = 10

/**
 * Perplexity by llama.cpp's own tool, which `SOTTO_LLAMA_PERPLEXITY` names (`node scripts/llama-tools.ts` builds it).
 * @param chunkTokens 512 or what else the other side uses
 */
export function llamaPerplexity(program: string, model: string, text: string, chunkTokens: number): number {
  const words = ['-m', model, '-f', text, '-c', `${chunkTokens}`, '-t', '1']
  let said = ''
  for (let run = 0; run < MAX_RUNS; run++) {
    const { stdout, stderr, status } = spawnSync(program, words, { encoding: 'utf8' })
    said = `status ${status}: ${stderr.slice(-300)}`
    const found = /PPL = (\d+\.\d+)/.exec(`${stdout}${stderr}`)
    if (found) return Number(found[1])
    if (status !== 0) break
  }
  throw new Error(`llama-perplexity named no perplexity; ${said}`)
}
