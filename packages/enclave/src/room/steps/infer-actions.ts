import type { InferSettings, InferTask } from '@sotto/protocol/contract'
import type { EngineProcess, GenerateRequest, SummarizeRequest } from '../../engines/index.ts'
import { roomRoleError } from '../errors.ts'

/** Answers one item. */
export type Answerer = (item: string | Uint8Array, signal: AbortSignal) => Promise<string>

/** What a model is asked where the contract pins no prompt of its own. */
const PROMPTS = {
  summarise: 'Summarise the text of the user in a few sentences.',
  classify: 'Say which label fits the text of the user best.',
} as const

/**
 * How a model answers the items of a task. Every setting that the contract pins is used, or the run is refused: what
 * parties agreed on is what happens.
 * @throws `ROOM_TASK`
 */
export function answererOf(engine: EngineProcess, task: InferTask): Answerer {
  const { action, prompt, settings, labels } = task
  const { operations } = engine.info
  if (action === 'transcribe' && operations.includes('transcribe')) {
    requireSettings(task, ['beams'])
    const params = {
      ...(prompt !== undefined && { prompt }),
      ...(settings.beams && { beams: settings.beams }),
    }
    return async (item, signal) => {
      for await (const event of engine.transcribeFile(once(item as Uint8Array), params, { signal }))
        if (event.type === 'done') return event.text
      throw unfinished()
    }
  }
  if (action === 'summarise' && operations.includes('summarize')) {
    const isExtractive = engine.manifest.engine === 'extractive'
    requireSettings(task, isExtractive ? [] : ['maxTokens', 'minTokens', 'beams', 'noRepeatNgram'])
    if (isExtractive && prompt !== undefined) throw cannot('a prompt', engine)
    const about: Omit<SummarizeRequest, 'text'> = {
      ...settings,
      ...(prompt !== undefined && { prefix: prompt }),
    }
    return (item, signal) => whole(engine.summarize({ ...about, text: item as string }, { signal }))
  }
  if (action === 'summarise' && operations.includes('generate')) {
    requireSettings(task, ['maxTokens'])
    return (item, signal) =>
      whole(engine.generate(chat(item as string, prompt ?? PROMPTS.summarise, settings), { signal }))
  }
  if (action === 'classify' && operations.includes('generate')) {
    requireSettings(task, [])
    const schema = { type: 'object', properties: { label: { enum: labels } }, required: ['label'] }
    const responseFormat = {
      type: 'json_schema',
      schema: { ...schema, additionalProperties: false },
    } as const
    return async (item, signal) => {
      const request = chat(item as string, prompt ?? PROMPTS.classify, settings)
      const said = await whole(engine.generate({ ...request, responseFormat }, { signal }))
      const label = labelIn(said)
      // The grammar lets out nothing else; what leaves the room is of the contract whatever an engine says.
      if (label !== undefined && labels!.includes(label)) return label
      throw unfinished()
    }
  }
  throw cannot(action, engine)
}

/** The same text has the same answer: nothing is drawn. */
function chat(text: string, prompt: string, { maxTokens }: InferSettings): GenerateRequest {
  return {
    messages: [
      { role: 'system', content: prompt },
      { role: 'user', content: text },
    ],
    sampling: { temperature: 0 },
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

async function whole(events: AsyncIterable<{ type: string; text?: string }>): Promise<string> {
  let said = ''
  let isDone = false
  for await (const event of events) {
    if (event.type === 'delta') said += event.text
    else if (event.type === 'done') isDone = true
  }
  if (isDone) return said
  throw unfinished()
}

/** Of an answer that ends where its tokens did: nothing. */
function labelIn(said: string): string | undefined {
  try {
    return (JSON.parse(said) as { label?: string } | null)?.label
  } catch {
    return undefined
  }
}

function requireSettings({ settings, action }: InferTask, known: readonly (keyof InferSettings)[]): void {
  const other = Object.keys(settings).find((name) => !(known as readonly string[]).includes(name))
  if (other === undefined) return
  throw roomRoleError('ROOM_TASK', `the model does not take ${other} where it should ${action}`, {
    expected: known.join(', ') || 'no settings',
  })
}

function cannot(what: string, { manifest }: EngineProcess): Error {
  return roomRoleError('ROOM_TASK', 'the model cannot do what the contract asks for', {
    expected: what,
    found: `a model for ${manifest.task}`,
  })
}

function unfinished(): Error {
  return roomRoleError('ROOM_TASK', 'the model gave no whole answer')
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
