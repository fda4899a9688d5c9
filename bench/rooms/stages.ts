import { RoomProcess } from '../../packages/enclave/src/room/process/index.ts'

/** A question to the process of a query, and milliseconds from it to its answer. */
export interface Answered {
  readonly ask: string
  readonly ms: number
}

/** What the room asked its processes since it was last asked for. */
export type TakeStages = () => Answered[]

/** Times each question that rooms in this process ask the processes of queries. The first has the start of the process in it. */
export function timeQuestions(): TakeStages {
  return (timed ??= startTiming())
}

/** Once: there is one prototype. */
let timed: TakeStages | undefined

function startTiming(): TakeStages {
  let answered: Answered[] = []
  const { ask } = RoomProcess.prototype
  RoomProcess.prototype.ask = async function (
    this: RoomProcess<unknown, { say: string }>,
    question,
    said,
    onPiece,
  ) {
    const started = performance.now()
    try {
      return await ask.call(this, question, said, onPiece)
    } finally {
      answered.push({ ask: (question as { ask: string }).ask, ms: performance.now() - started })
    }
  } as typeof ask
  return () => {
    const taken = answered
    answered = []
    return taken
  }
}

/** Milliseconds of all questions of a kind. */
export function msOf(answered: readonly Answered[], ask: string): number {
  return answered.filter((one) => one.ask === ask).reduce((sum, { ms }) => sum + ms, 0)
}
