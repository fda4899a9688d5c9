import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import {
  createCustodianFile,
  createShareSet,
  type CustodianKeys,
  custodianFileDecoder,
  custodianListDecoder,
  openCustodianFile,
  recoveryReceiptDecoder,
  recoveryRequestDecoder,
  recoverySessionDecoder,
  recoveryShareDecoder,
  rootSuccessionDecoder,
  shareAcknowledgementDecoder,
  sharesDocumentDecoder,
  type ShareSet,
  shareSetDecoder,
} from '@sotto/protocol/custody'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import { decodeDocument, encodeDocument, MAX_RELEASE_RESPONSE_BYTES } from '@sotto/protocol/keyrelease'
import { ownWorld } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const DIGEST = 'ab'.repeat(32)
const NOW = 1_790_000_000
const text = (length: number, fill: number): string => toBase64Url(new Uint8Array(length).fill(fill))

/** What a KMS, custodians and whoever stands between them send about shares of a root secret. */
export const custodyTargets: readonly Target[] = [
  document('custodian list', custodianListDecoder, ({ named }) => named),
  document('share set', shareSetDecoder, ({ set }) => set),
  document('share acknowledgement', shareAcknowledgementDecoder, () => ACKNOWLEDGEMENT),
  document('root succession', rootSuccessionDecoder, () => SUCCESSION),
  document('recovery session', recoverySessionDecoder, () => SESSION),
  document('recovery share', recoveryShareDecoder, () => SHARE),
  document('recovery receipt', recoveryReceiptDecoder, () => RECEIPT),
  document('shares document', sharesDocumentDecoder, ({ logged }) => ({
    genesis: logged,
    roots: [logged],
    certificate: logged,
    shareSet: logged,
    acknowledgements: [logged],
  })),
  document('recovery request', recoveryRequestDecoder, ({ logged, evidence, checkpoint }) => ({
    genesis: logged,
    roots: [logged],
    certificate: logged,
    shareSet: logged,
    session: logged,
    releases: [logged],
    evidence,
    binding: { ...SESSION, checkpoint: DIGEST },
    boundCheckpoint: checkpoint,
    received: [2],
  })),
  parser(
    'custodian file',
    async () => [utf8(JSON.stringify({ ...createCustodianFile(), shareSet: (await material()).logged }))],
    (bytes) => openCustodianFile(custodianFileDecoder(parseStrictJson(fromUtf8(bytes), {}), 'file')),
  ),
]

const SESSION = { version: 1, genesis: DIGEST, recoveryKey: text(1216, 5), nonce: text(32, 3) }
const ACKNOWLEDGEMENT = { version: 1, genesis: DIGEST, generation: 1, index: 2, shareSet: DIGEST }
const SUCCESSION = {
  version: 1,
  genesis: DIGEST,
  sequence: 1,
  previousKey: text(32, 1),
  rootKey: text(32, 2),
  createdAt: NOW,
}
const SHARE = {
  version: 1,
  genesis: DIGEST,
  generation: 1,
  index: 1,
  nonce: text(32, 3),
  forgetStore: false,
  enc: text(1120, 1),
  wrapped: text(48, 1),
}
const RECEIPT = {
  version: 1,
  genesis: DIGEST,
  generation: 1,
  nonce: text(32, 3),
  indexes: [1, 3],
  forgotStore: false,
  recoveredAt: NOW,
}

interface Material {
  named: { name: string; key: string }[]
  set: ShareSet
  logged: { envelope: string; index: number }
  evidence: object
  checkpoint: string
}

let made: Promise<Material> | undefined

/** Custodians, a share set of theirs, and parts of a deployment; the same in every run. */
function material(): Promise<Material> {
  made ??= (async () => {
    const { world, evidence } = await ownWorld()
    const { envelope, index } = world.bundle.genesis
    const custodians: CustodianKeys[] = [1, 2, 3].map(() => openCustodianFile(createCustodianFile()))
    const named = custodians.map(({ key }, n) => ({ name: `custodian-${n + 1}`, key }))
    const set = createShareSet(new Uint8Array(32).fill(9), {
      genesis: DIGEST,
      generation: 1,
      rootKey: text(32, 9),
      threshold: 2,
      custodians: named,
      now: NOW,
    })
    return { named, set, logged: { envelope, index }, evidence, checkpoint: world.bundle.checkpoint }
  })()
  return made
}

function document<T>(name: string, decoder: Decoder<T>, good: (of: Material) => unknown): Target {
  return parser(
    name,
    async () => [encodeDocument(good(await material()) as object)],
    (bytes) => decodeDocument(bytes, decoder, name, MAX_RELEASE_RESPONSE_BYTES),
  )
}
