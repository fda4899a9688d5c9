import type { Input, SqlParameter, SqlTask, Task } from '@sotto/protocol/contract'
import { formatBytes } from '../../terminal/index.ts'
import { count, showEpsilon } from './amounts.ts'
import { describeFinetuning } from './finetune.ts'
import { describeTraining } from './train.ts'

/**
 * What a transform does, in words: all of it, for parties approve what they see.
 * @param inputs of the contract: what their owners ask for says who is protected
 */
export function describeTask(task: Task, inputs: readonly Input[]): string[] {
  switch (task.kind) {
    case 'sql':
      return describeQueries(task)
    case 'infer': {
      const { action, model, digest, prompt, labels, settings } = task
      return [
        `${action} every item with the model ${model}`,
        `model manifest ${digest}`,
        ...(prompt === undefined ? [] : ['prompt:', ...behindMark(prompt)]),
        ...(labels === undefined ? [] : [`labels: ${JSON.stringify(labels)}`]),
        ...Object.entries(settings).map(([name, value]) => `${name}: ${value}`),
      ]
    }
    case 'wasm': {
      const { module, args, limits } = task
      return [
        `runs the WebAssembly module ${module}${args.length === 0 ? '' : ` with ${JSON.stringify(args)}`}`,
        `at most ${formatBytes(limits.memoryBytes)}, ${count(limits.seconds, 'second')}, ${limits.fuelMillions} million instructions`,
      ]
    }
    case 'container': {
      const { image, manifest, command, env, limits } = task
      return [
        `runs the container ${image}, manifest ${manifest}, without a network`,
        `command: ${JSON.stringify(command)}`,
        ...Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
        `at most ${formatBytes(limits.memoryBytes)}, ${count(limits.seconds, 'second')}`,
      ]
    }
    case 'train':
      return describeTraining(task, inputs)
    case 'finetune':
      return describeFinetuning(task, inputs)
  }
}

function describeQueries({ templates, joinKeys, noise, maxRows }: SqlTask): string[] {
  return [
    ...templates.flatMap(({ name, sql, parameters }) => [
      `query ${name}${parameters.length === 0 ? '' : `(${parameters.map(describeParameter).join(', ')})`}:`,
      ...behindMark(sql),
    ]),
    joinKeys.length === 0
      ? 'no joins of different owners'
      : `joins of different owners on ${joinKeys.join(', ')}`,
    ...(noise === undefined
      ? []
      : [
          `noise: epsilon ${showEpsilon(noise.epsilonMicros)} a run, at most ${count(noise.maxRowsPerContributor, 'row')} of a ` +
            `contributor, values clipped to ${noise.clip.min}..${noise.clip.max}`,
        ]),
    `at most ${count(maxRows, 'row')}`,
  ]
}

function describeParameter({ name, type, min, max, oneOf }: SqlParameter): string {
  const bounds = min === undefined && max === undefined ? '' : ` ${min ?? ''}..${max ?? ''}`
  return `$${name} ${type}${bounds}${oneOf === undefined ? '' : ` of ${JSON.stringify(oneOf)}`}`
}

/** Each line behind a mark: a text that somebody wrote must not look like what stands around it. */
function behindMark(text: string): string[] {
  return text.split('\n').map((line) => `  | ${line}`)
}
