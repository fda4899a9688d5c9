import { connect, type PublishedModel, type Sotto } from '@sotto/client'
import { facesAtOnce, frameSize, matchGraph, type FaceNetworks } from './graph/build.ts'
import type { FrameSize } from './graph/detect.ts'
import { enrol, type Portrait } from './people/enrol.ts'
import type { Options } from './options.ts'

/** What the page has to know of the published graph. */
export interface PublishedFaces {
  /** `<owner>/<name>:<version>` */
  readonly id: string
  /** Digest of the graph: the page takes answers of no other. */
  readonly digest: string
  readonly frame: FrameSize
  readonly faces: number
}

/**
 * Describes the pictures on this machine, builds the graph that knows them, and publishes it sealed: detector, names and
 * descriptions open in attested enclaves only. Neither pictures nor descriptions are written anywhere.
 */
export async function publishFaces(
  networks: FaceNetworks,
  portraits: readonly Portrait[],
  { owner, name, relay, gateway, policy }: Pick<Options, 'owner' | 'name' | 'relay' | 'gateway' | 'policy'>,
): Promise<{ published: PublishedFaces; trust: Sotto['trust'] }> {
  const file = matchGraph(networks, await enrol(networks, portraits))
  const sotto = await connect(relay, { policy, gateway })
  const model: PublishedModel = await sotto.models.upload(
    { [`${name}.onnx`]: new Blob([file as Uint8Array<ArrayBuffer>]) },
    { owner, name },
  )
  return {
    trust: sotto.trust,
    published: {
      id: model.id,
      digest: model.statement.model,
      frame: frameSize(networks),
      faces: facesAtOnce(networks.description),
    },
  }
}
