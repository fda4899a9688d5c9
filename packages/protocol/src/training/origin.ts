/**
 * Where a trained model comes from: what its receiver keeps beside it, and may give to whoever has the model. It holds what
 * the room and the KMS signed about the run, and the salt by which the model is found in it; of the contract no more than
 * its digest, and the names of inputs, transforms and output that those statements have.
 */
import { fromUtf8 } from '../bytes/index.ts'
import { type Name, type RunOffer, runOfferDecoder } from '../contract/index.ts'
import { name } from '../contract/names.ts'
import {
  base64url,
  canonicalJson,
  type Decoder,
  integer,
  list,
  literal,
  members,
  parseStrictJson,
  refine,
  text,
} from '../jcs/index.ts'
import type { UnixSeconds } from '../keyrelease/types.ts'
import { type OfferedRun, offeredRunDecoder } from '../room/index.ts'
import { trainingError } from './errors.ts'

/** The run that a training goes on with: it was charged, and nothing of it has left. */
export interface ChargedRun {
  offer: RunOffer
  /** Envelope of the KMS's `RunReceipt`. */
  receipt: string
  /** Trust bundles of boots of the KMS that signed, base64url, at most 4. */
  bundles?: string[]
}

/** Where an output of a training comes from. */
export interface ModelOrigin {
  format: 'sotto-model-origin/1'
  /** Name of the output in its contract. */
  output: Name
  /** Of this output alone, 32 bytes, base64url: see `outputDigest`. */
  salt: string
  /** What the room offered, with its evidence. */
  offered: OfferedRun
  /** Envelope of the KMS's `RunReceipt`. */
  receipt: string
  /** Envelope of the KMS's `RunPermit`. */
  permit: string
  /** Envelope of the room's `RunProvenance`. */
  provenance: string
  /** Trust bundles of boots of the KMS that signed, base64url, at most 4. */
  bundles?: string[]
  /** The trust bundle that was verified when the run was, base64url. */
  bundle: string
  /** When that was. */
  at: UnixSeconds
  /** Of a run that goes on with another, where its receipt is known. */
  charged?: ChargedRun
}

/** Largest origin, as JSON. */
export const MAX_ORIGIN_BYTES: number = 16 * 1024 * 1024
const MAX_ENVELOPE = 65_535
const MAX_BUNDLES = 4
const MAX_BUNDLE_BYTES = 2 ** 20

const envelope = text(MAX_ENVELOPE)
const bundles = list(base64url(1, MAX_BUNDLE_BYTES), 0, MAX_BUNDLES)

const originDecoder: Decoder<ModelOrigin> = refine(
  members<ModelOrigin>(
    {
      format: literal('sotto-model-origin/1'),
      output: name,
      salt: base64url(32),
      offered: offeredRunDecoder,
      receipt: envelope,
      permit: envelope,
      provenance: envelope,
      bundle: base64url(1, MAX_BUNDLE_BYTES),
      at: integer(1),
    },
    {
      bundles,
      charged: members<ChargedRun>({ offer: runOfferDecoder, receipt: envelope }, { bundles }),
    },
  ),
  ({ offered: { offer }, charged }) => {
    // A training has none; those of a query may be confidential.
    const offers = charged === undefined ? [offer] : [offer, charged.offer]
    return offers.every((one) => one.arguments.length === 0 && one.template === undefined)
      ? undefined
      : 'the run is of a query'
  },
)

/** Canonical bytes of an origin. */
export function encodeModelOrigin(origin: ModelOrigin): Uint8Array {
  return canonicalJson(origin)
}

/** An origin from anywhere: its structure. Nothing in it is verified. @throws `TRAINING_ORIGIN` */
export function parseModelOrigin(bytes: Uint8Array): ModelOrigin {
  try {
    return originDecoder(parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_ORIGIN_BYTES }), 'origin')
  } catch (cause) {
    throw trainingError('TRAINING_ORIGIN', 'this is no origin of a model', {
      cause,
      found: (cause as Error).message,
    })
  }
}
