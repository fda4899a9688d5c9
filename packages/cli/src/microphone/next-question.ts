import type { Sotto } from '@sotto/client'
import { type Desk, type Typed, understand } from '../conversation/index.ts'
import { type CommandContext, isAbort } from '../framework/index.ts'
import { keepReceipts } from '../service/index.ts'
import { collectText, transcribeWhileSpoken } from '../transcript/index.ts'
import { record } from './record.ts'
import { MICROPHONE_RATE, type Recorder } from './recorders.ts'

/** What is asked of the model that listens. Absent: the service decides. */
export interface Hearing {
  model?: string
  language?: string
}

/** What is asked next: typed, or said between two times Enter. What was said is a question, whatever it begins with. */
export async function nextQuestion(
  context: CommandContext,
  sotto: Sotto,
  desk: Desk,
  recorder: Recorder,
  hearing: Hearing,
): Promise<Typed | undefined> {
  const typed = await desk.lines.next('Enter to speak > ')
  if (typed === undefined) return undefined
  if (typed.trim() !== '') return understand(typed)
  const recording = record(recorder, context.io.env)
  context.onExit(() => recording.stop())
  const signal = AbortSignal.any([desk.working(), context.signal])
  signal.addEventListener('abort', () => recording.stop(), { once: true })
  context.note('listening; Enter ends it, Ctrl-C forgets it')
  void desk.lines.next('').then(() => recording.stop())
  try {
    const live = transcribeWhileSpoken(context, sotto, recording.samples, {
      ...hearing,
      sampleRate: MICROPHONE_RATE,
      signal,
    })
    const text = await collectText(live.events, context.foreignTalk())
    await keepReceipts(context, live.receipts, undefined)
    if (text !== '') return { kind: 'question', text }
    context.note('nothing was understood')
  } catch (error) {
    if (!isAbort(error) || context.signal.aborted) throw error
    context.note('forgotten')
  } finally {
    recording.stop()
    desk.done()
  }
  return { kind: 'nothing' }
}
