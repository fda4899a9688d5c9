import {
  type FinetuneTask,
  requireProvenPrivacy,
  type RunPlan,
  type Task,
  type Transform,
} from '@sotto/protocol/contract'
import { requireFinetune } from '../../train/task/finetune/require-finetune.ts'
import { requireTask } from '../../train/task/require-task.ts'
import { roomRoleError } from '../errors.ts'
import { checkTemplates, policyOf } from '../sql/index.ts'
import type { GoodQueries } from './good-queries.ts'
import { withSqlEngine } from './sql-step.ts'
import { trainToolsOf, tryTrainTask } from './train-step.ts'
import type { StepTools } from './types.ts'

/**
 * Whether a room can do what a run asks for, before anybody consents to it: a refusal then costs nobody anything. Queries
 * that read results of others are checked when those are there; the graph of a party, when it is.
 * @param good tasks that were found good before: they are not looked at again, for each look starts a process
 * @throws `ROOM_TASK`, `ROOM_SQL_REFUSED`, `CONTRACT_PRIVACY`, codes of training and the other codes of a check
 */
export async function requireRunnable(plan: RunPlan, tools: StepTools, good: GoodQueries): Promise<void> {
  for (const transform of plan.transforms) {
    const { task } = transform
    requireSources(plan, transform)
    if (task.kind === 'sql') await checkQueries(plan, transform, tools, good)
    if (task.kind === 'infer') requireItems(plan, transform)
    if (task.kind === 'train') await checkTraining(transform, tools, good)
    if (task.kind === 'finetune') await checkTuning(transform, task, tools, good)
  }
}

/** A step that can never read what comes before it would cost its owners a run each time. */
function requireSources({ transforms }: RunPlan, { name, reads, task }: Transform): void {
  const other = transforms.find((one) => reads.includes(one.name) && !canRead(task, one.task))
  if (other === undefined) return
  throw roomRoleError('ROOM_TASK', `${name} cannot read what ${other.name} makes`, {
    expected: READS[task.kind] ?? 'another',
    found: `a result of ${other.task.kind}`,
  })
}

const READS: Readonly<Partial<Record<Task['kind'], string>>> = {
  sql: 'a table, of a query',
  infer: 'texts, of a model',
  train: 'tables of owners',
  finetune: 'texts of owners',
}

/** Queries read tables, and models texts; trainings read what owners bring, and code all that steps make. */
function canRead(reader: Task, source: Task): boolean {
  if (reader.kind === 'sql') return source.kind === 'sql'
  if (reader.kind === 'train' || reader.kind === 'finetune') return false
  if (reader.kind !== 'infer') return true
  return reader.action !== 'transcribe' && source.kind === 'infer' && source.action !== 'embed'
}

async function checkQueries(
  plan: RunPlan,
  transform: Transform,
  tools: StepTools,
  good: GoodQueries,
): Promise<void> {
  const { task, reads } = transform
  if (task.kind !== 'sql') return
  if (tools.sql === undefined || !reads.every((name) => plan.inputs.some((input) => input.name === name)))
    return withSqlEngine(tools, async () => undefined)
  const { entry, part } = tools.sql
  const policy = policyOf(plan, transform)
  await good.check({ templates: task.templates, policy, engine: { entry, part } }, () =>
    withSqlEngine(tools, async (engine) => {
      await checkTemplates(engine, task.templates, policy)
    }),
  )
}

/** What it costs in privacy takes some tenths of a second to prove, and the rest a process: once for each. */
async function checkTraining(transform: Transform, tools: StepTools, good: GoodQueries): Promise<void> {
  const { task } = transform
  if (task.kind !== 'train') return
  requireTask(task)
  const { entry } = trainToolsOf(tools)
  await good.check({ task, engine: { entry } }, async () => {
    requireProvenPrivacy({ transforms: [transform] })
    await tryTrainTask(tools, task)
  })
}

/** What of it depends on the model is found when that is there. */
async function checkTuning(
  transform: Transform,
  task: FinetuneTask,
  tools: StepTools,
  good: GoodQueries,
): Promise<void> {
  requireFinetune(task)
  const { entry } = trainToolsOf(tools)
  await good.check({ task, engine: { entry } }, async () => requireProvenPrivacy({ transforms: [transform] }))
}

/** Models here read texts and recordings. */
function requireItems({ inputs }: RunPlan, { name, reads, task }: Transform): void {
  if (task.kind !== 'infer') return
  const kind = task.action === 'transcribe' ? 'audio' : 'text'
  const other = inputs.find((input) => reads.includes(input.name) && ![kind, 'model'].includes(input.kind))
  if (other === undefined) return
  throw roomRoleError('ROOM_TASK', `this room cannot ${task.action} ${other.kind}`, {
    expected: `${kind} for ${name}`,
    found: other.name,
  })
}
