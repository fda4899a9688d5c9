import { resolve } from 'node:path'
import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  CUSTODY_TYPES,
  openShare,
  type ShareAcknowledgement,
  sharesDocumentDecoder,
} from '@sotto/protocol/custody'
import { signDsse } from '@sotto/protocol/dsse'
import {
  documentDigest,
  encodeDocument,
  evidenceDecoder,
  kmsBindingDecoder,
} from '@sotto/protocol/keyrelease'
import type { CustodyEvidence } from '@sotto/verifier/custody'
import { CUSTODY_FLAGS, decide, keepShareSet, openCustodyDesk, readCustodian } from '../../custodian/index.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'

/** `sotto custodian accept FILE` */
export const custodianAccept: Command = defineCommand({
  path: ['custodian', 'accept'],
  summary: 'Take your share: check the KMS, open it, and say in public that you can',
  description:
    'Checks that the KMS is the one your policy pins, that fresh evidence shows an accepted release on accepted ' +
    'hardware, and that the newest shares in the log include yours. Then opens your share, compares it with what ' +
    'the log commits to, keeps the sealed share set in FILE and sends a signed acknowledgement. A KMS serves ' +
    'nothing before enough custodians have done so. Exit code 5: refused, nothing was opened.',
  arguments: [{ name: 'FILE', summary: 'your keys, as sotto custodian new wrote them', required: true }],
  flags: CUSTODY_FLAGS,
  examples: ['sotto custodian accept ada.custodian --kms https://kms.example --policy policy.json'],
  async run(context, args, flags) {
    const path = resolve(context.io.cwd, args[0]!)
    const custodian = await readCustodian(path)
    const desk = await openCustodyDesk(context, flags)
    const shown = sharesDocumentDecoder(await desk.ask(`${desk.kmsUrl}/v1/shares`), 'shares')
    const kms = readIdentity(await desk.ask(`${desk.kmsUrl}/v1/genesis`))
    const { share } = await decide(context, desk, custodian, { kms, shareSet: shown.shareSet })
    const { set, sealed } = share
    const opened = openShare(set.document, sealed, custodian.keys.wrap)
    opened.value.fill(0)
    await keepShareSet(path, custodian, set.statement)
    const said: ShareAcknowledgement = {
      version: 1,
      genesis: set.document.genesis,
      generation: set.document.generation,
      index: sealed.index,
      shareSet: documentDigest(set.document),
    }
    const envelope = signDsse(CUSTODY_TYPES.acknowledgement, encodeDocument(said), [custodian.keys.signing])
    const after = sharesDocumentDecoder(
      await desk.ask(`${desk.kmsUrl}/v1/shares/acknowledgements`, JSON.parse(fromUtf8(envelope)) as object),
      'shares',
    )
    const { threshold, shares } = set.document
    const result = {
      genesis: said.genesis,
      generation: said.generation,
      index: said.index,
      threshold,
      custodians: shares.length,
      acknowledged: after.acknowledgements.length,
    }
    if (context.global.json) return context.json(result)
    context.out(`share ${said.index} of ${shares.length} accepted, generation ${said.generation}`)
    context.out(
      `${result.acknowledged} custodians have acknowledged theirs; ${threshold} open the root secret`,
    )
  },
})

function readIdentity(answer: unknown): CustodyEvidence {
  const { kms } = (answer ?? {}) as { kms?: Record<string, unknown> }
  if (kms === undefined || typeof kms['boundCheckpoint'] !== 'string')
    throw cliError('CLI_SERVICE', 'the KMS does not say who it is')
  return {
    evidence: evidenceDecoder(kms['evidence'], 'kms.evidence'),
    binding: kmsBindingDecoder(kms['binding'], 'kms.binding'),
    boundCheckpoint: kms['boundCheckpoint'],
  }
}
