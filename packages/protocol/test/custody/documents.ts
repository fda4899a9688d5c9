import { toBase64Url } from '@sotto/protocol/bytes'
import {
  createCustodianFile,
  createShareSet,
  custodianFileDecoder,
  custodianListDecoder,
  openCustodianFile,
  recoveryReceiptDecoder,
  recoveryRequestDecoder,
  recoverySessionDecoder,
  recoveryShareDecoder,
  resealShare,
  rootSuccessionDecoder,
  shareAcknowledgementDecoder,
  sharesDocumentDecoder,
  shareSetDecoder,
  type CustodianKeys,
  type RecoverySession,
  type ShareSet,
} from '@sotto/protocol/custody'
import type { Decoder } from '@sotto/protocol/jcs'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'

export const DIGEST: string = 'ab'.repeat(32)
export const SECRET: Uint8Array = new Uint8Array(32).map((_, n) => n)
const text = (length: number, fill: number): string => toBase64Url(new Uint8Array(length).fill(fill))

export const custodians: CustodianKeys[] = [1, 2, 3].map(() => openCustodianFile(createCustodianFile()))
export const named: { name: string; key: string }[] = custodians.map(({ key }, n) => ({
  name: `custodian-${n + 1}`,
  key,
}))
export const set: ShareSet = createShareSet(SECRET, {
  genesis: DIGEST,
  generation: 1,
  rootKey: text(32, 9),
  threshold: 2,
  custodians: named,
  now: 1_800_000_000,
})

export const sessionKey = WRAP_SUITE.kem.generate()
export const session: RecoverySession = {
  version: 1,
  genesis: DIGEST,
  recoveryKey: toBase64Url(sessionKey.publicKey),
  nonce: text(32, 3),
}

const logged = { envelope: '{}', index: 4 }

/** One good document of every kind with its decoder. */
export const DOCUMENTS: Record<string, { decoder: Decoder<unknown>; good: object }> = {
  'custodian list': { decoder: custodianListDecoder, good: named },
  'share set': { decoder: shareSetDecoder, good: set },
  acknowledgement: {
    decoder: shareAcknowledgementDecoder,
    good: { version: 1, genesis: DIGEST, generation: 1, index: 2, shareSet: DIGEST },
  },
  succession: {
    decoder: rootSuccessionDecoder,
    good: {
      version: 1,
      genesis: DIGEST,
      sequence: 1,
      previousKey: text(32, 1),
      rootKey: text(32, 2),
      createdAt: 5,
    },
  },
  'recovery session': { decoder: recoverySessionDecoder, good: session },
  'recovery request': {
    decoder: recoveryRequestDecoder,
    good: {
      genesis: logged,
      roots: [logged],
      certificate: logged,
      shareSet: logged,
      session: logged,
      releases: [logged],
      evidence: [{ family: 'software', evidence: text(64, 1), collateral: { root: text(97, 1) } }],
      binding: { ...session, checkpoint: DIGEST },
      boundCheckpoint: 'log\n1\n',
      received: [2],
    },
  },
  'recovery share': {
    decoder: recoveryShareDecoder,
    good: resealShare(set, { index: 1, value: SECRET }, session, false),
  },
  'recovery receipt': {
    decoder: recoveryReceiptDecoder,
    good: {
      version: 1,
      genesis: DIGEST,
      generation: 1,
      nonce: session.nonce,
      indexes: [1, 3],
      forgotStore: false,
      recoveredAt: 5,
    },
  },
  'shares document': {
    decoder: sharesDocumentDecoder,
    good: { genesis: logged, roots: [], certificate: logged, shareSet: logged, acknowledgements: [logged] },
  },
  'custodian file': {
    decoder: custodianFileDecoder,
    good: { ...createCustodianFile(), shareSet: logged },
  },
}
