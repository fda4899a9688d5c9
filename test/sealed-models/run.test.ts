import { readFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { modelOwner, type Sotto } from '@sotto/client'
import { concat } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { openArtifact } from '@sotto/protocol/sealed'
import { bringYourOwn } from '../../packages/client/src/models/models.examples.ts'
import { createApi } from '../../packages/enclave/src/api/index.ts'
import { createWaitingRoom } from '../../packages/enclave/src/ram/waiting-room.ts'
import { loadOnnx } from '../../packages/enclave/test/api/kserve/engines.ts'
import { ELEMENT, onnx, port } from '../../packages/enclave/test/api/kserve/graphs.ts'
import { node } from '../../packages/enclave/test/engines/onnx/build-model.ts'
import { claim } from '../claims.ts'
import { deploy, type Deployment } from './deployment.ts'

const SEED = crypto.randomBytes(32)
const file = new Blob([
  onnx({
    inputs: [port('samples', ELEMENT.float, [undefined])],
    outputs: [port('out', ELEMENT.float, [undefined])],
    nodes: [node('Neg', ['samples'], ['out'])],
  }) as BlobPart,
])

/** Serves what was uploaded, opened with the key that the KMS was given, in the engine that would serve it. */
function serveUploads(deployment: Deployment, stored: () => Promise<Uint8Array>): void {
  const { service, keys, intercept } = deployment
  intercept.request = async (request) => {
    const match = /^\/v2\/models\/([^/]+)\/infer$/.exec(new URL(request.url).pathname)
    if (!match) return undefined
    const [artifact, { key }] = [...keys][0]!
    const sealed = await stored()
    const opened = await openArtifact(
      async (start, length) => sealed.subarray(start, start + length),
      key,
      artifact,
    )
    const content = concat(...(await Array.fromAsync(opened.content)))
    const { model, close } = await loadOnnx(decodeURIComponent(match[1]!), content)
    onTestFinished(() => close())
    service.knobs.receipt = (receipt) => ({ ...receipt, model: model.digest })
    const api = createApi({
      models: { list: () => [model] },
      clock: { now: service.now, randomBytes: (length) => crypto.randomBytes(length) },
      maxUploadBytes: 1024,
      waitingRoom: createWaitingRoom({ maxFiles: 1, maxBytes: 1024 }),
    })
    return api(request)
  }
}

async function world(): Promise<{ deployment: Deployment; sotto: Sotto }> {
  const deployment = await deploy()
  const owner = modelOwner(SEED)
  deployment.admit([owner])
  const sotto = await deployment.connect()
  serveUploads(deployment, async () => {
    const [model] = await sotto.models.list(owner.tag)
    const digest = model!.statement.digest
    return readFileSync(`${deployment.store}/blobs/${digest.slice(0, 2)}/${digest}`)
  })
  return { deployment, sotto }
}

it(
  claim('models.sealed', 'connect, upload, run and remove from the SDK, as the page on tensors shows it'),
  async () => {
    const { deployment, sotto } = await world()
    const outputs = await bringYourOwn(sotto, SEED, file, { data: Float32Array.of(1, -2.5), shape: [2] })
    expect(outputs).toEqual({ out: { datatype: 'FP32', shape: [2], data: Float32Array.of(-1, 2.5) } })
    expect(deployment.keys.size).toBe(0)
    expect(await sotto.models.list(modelOwner(SEED).tag)).toEqual([])
    // Input and graph left sealed only.
    const seen = deployment.service.outerCalls
      .map(({ body }) => Buffer.from(body).toString('latin1'))
      .join('')
    expect(seen.length).toBeGreaterThan(file.size)
    expect(seen).not.toContain('samples')
    expect(seen).not.toContain(Buffer.from(Float32Array.of(1, -2.5).buffer).toString('latin1'))
  },
)

it('the page shows the example that runs here', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
  const source = read('../../packages/client/src/models/models.examples.ts')
  const region = /\/\/#region models_basicUsage\n(.*?)\n *\/\/#endregion/s.exec(source)![1]!
  const shown = region.replaceAll(/^ {2}/gm, '').replace(': ModelOwner', '')
  expect(read('../../docs/tensors.md')).toContain(`\`\`\`js\n${shown}\n\`\`\``)
})
