import type { TrainTask } from '@sotto/protocol/contract'
import type { OnnxModel } from '@sotto/protocol/onnx'
import { lossOf } from '../evaluate/figures.ts'
import { joinScored } from '../evaluate/measure.ts'
import { exportOnnx } from '../export/onnx.ts'
import { train } from '../loop.ts'
import type { Chance } from '../random/streams.ts'
import { openScore, type ScoreSession } from '../step/score.ts'
import { openStep } from '../step/session.ts'
import { createTrainer } from '../trainer.ts'
import { graphsOf, type TaskGraphs } from './graphs.ts'
import type { Learned, LearnOptions } from './learned.ts'
import { progressOf } from './progress.ts'
import type { TrainingRows } from './rows.ts'
import { settingsOf } from './settings.ts'

/** Rows that are made up to try a model are drawn at another place than those that try a clip. */
const EXPORT_PLACE = 1

/**
 * Moves weights against the loss of rows, step by step.
 * @param forward of the recipe `graph`
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_TOO_LARGE`, `ROOM_TRAIN_NOT_FINITE`,
 *   `ROOM_TRAIN_CANCELLED`, `ROOM_TRAIN_CHECKPOINT`
 */
export async function descend(
  task: TrainTask,
  { parts, held }: TrainingRows,
  chance: Chance,
  { threads, signal, from, onProgress }: LearnOptions,
  forward?: OnnxModel,
): Promise<Learned> {
  const settings = settingsOf(task)
  const graphs = graphsOf(task, forward)
  const scorer = await openScore(graphs.score, threads)
  try {
    const session = await openStep(graphs.step, threads)
    try {
      const trainer = await createTrainer({
        session,
        parts,
        places: parts.map(({ place }) => place),
        totalRows: parts.reduce((sum, { part }) => sum + part.rows, 0),
        chance,
        settings,
      })
      const measure = async (values: readonly Float32Array[]): Promise<number> => {
        const scored = []
        for (const part of held)
          scored.push({ scores: await scorer.score(values, part), labels: part.labels })
        const { scores, labels } = joinScored(scored)
        return lossOf(graphs.target.task, scores, labels)
      }
      const { state, reason } = await train({
        trainer,
        settings,
        ...(settings.stopEarly && { measure }),
        ...(signal && { signal }),
        ...(from && { from }),
        onStep: (report, copy) => onProgress?.(progressOf(report, task, settings.steps), copy),
      })
      return learnedOf({ task, graphs, scorer, chance, reason, steps: state.step, values: state.parameters })
    } finally {
      await session.close()
    }
  } catch (error) {
    await scorer.close()
    throw error
  }
}

interface Moved {
  readonly task: TrainTask
  readonly graphs: TaskGraphs
  readonly scorer: ScoreSession
  readonly chance: Chance
  readonly reason: Learned['reason']
  readonly steps: number
  readonly values: readonly Float32Array[]
}

function learnedOf({ task, graphs, scorer, chance, reason, steps, values }: Moved): Learned {
  return {
    steps,
    reason,
    graph: graphs.digest,
    score: (part) => scorer.score(values, part),
    model: () =>
      exportOnnx({
        graph: graphs.graph,
        output: graphs.spec.loss.output,
        values,
        features: task.data.features,
        scorer,
        stream: chance.stream('try', EXPORT_PLACE),
      }),
    close: () => scorer.close(),
  }
}
