import { readSync } from 'node:fs'
import type { Channel } from '../channel/index.ts'
import { engineError } from '../errors.ts'
import type { LoadMessage } from '../host/child.ts'
import type { Engine, EngineModel, RuntimeName, ModelFile } from '../types.ts'
import { failureOf } from './failure.ts'
import { setEngine } from './serve.ts'

/** Ends the process without giving native libraries a chance to hang in their exit handlers. */
export function dieNow(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Handles the `load` message: makes the engine, loads the model, answers `ready` or `failed`. */
export async function loadEngine(
  payload: Uint8Array,
  channel: Channel,
  create: (name: RuntimeName) => Promise<Engine>,
): Promise<void> {
  try {
    // The host is trusted here: it could do anything to this process anyway.
    const message = JSON.parse(Buffer.from(payload).toString('utf8')) as LoadMessage
    const engine: Engine = await create(message.engine)
    const files = new Map(message.files.map((file) => [file.name, modelFile(file)]))
    const { id, task, threads, contextTokens, concurrency, serverProgram } = message
    const model: EngineModel = {
      id,
      task,
      engine: message.engine,
      files,
      threads,
      contextTokens,
      concurrency,
      ...(serverProgram !== undefined && { serverProgram }),
    }
    const info = await engine.load(model)
    setEngine(engine)
    await channel.write({ k: 'ready' }, Buffer.from(JSON.stringify(info)))
  } catch (error) {
    const { code, message } = failureOf(error, 'ENGINE_LOAD_FAILED')
    await channel.write({ k: 'failed', code, message })
  }
}

function modelFile(file: LoadMessage['files'][number]): ModelFile {
  return {
    name: file.name,
    role: file.role,
    size: file.size,
    path: `/proc/self/fd/${file.fd}`,
    bytes: () => {
      const bytes = new Uint8Array(file.size)
      for (let at = 0; at < file.size;) {
        // read(2) takes at most 2 GiB at once.
        const read = readSync(file.fd, bytes, at, Math.min(file.size - at, 2 ** 30), at)
        if (read === 0)
          throw engineError(
            'ENGINE_MODEL_INVALID',
            `model file ${file.name} is shorter than its manifest says`,
          )
        at += read
      }
      return bytes
    },
  }
}
