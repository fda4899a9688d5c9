import { toBase64Url } from '@sotto/protocol/bytes'
import {
  detectHardware,
  type HardwareFiles,
  type HardwareFinding,
  type HardwareSource,
} from '@sotto/protocol/evidence-hardware'
import type { EvidenceFamily, EvidencePiece } from '@sotto/protocol/keyrelease'
import { BINDINGS, commitToGpus } from '@sotto/verifier/appraisal'
import { serveError } from '../errors/index.ts'
import {
  collectGpuEvidence,
  type GpuHelpers,
  hardwareFiles,
  type Machine,
  thisMachine,
} from '../evidence/index.ts'
import type { TrustedHardware } from '../tee/types.ts'
import { collateralFiles } from './collateral-files.ts'
import { type CollectedPiece, PROCESSOR_SOURCES, type ProcessorSource } from './processors.ts'
import { deriveSealing } from './sealing.ts'

/** Where evidence comes from; by default this machine. */
export interface HardwareOptions {
  machine?: Machine
  /** What the machine can attest. Default: found by its files, at the start and again at every collection. */
  findings?: readonly HardwareFinding[]
  /** The files that tell what the machine can attest. */
  files?: HardwareFiles
  /** Programs that ask the GPUs. */
  gpus?: GpuHelpers
  /** Program that asks the Nitro Secure Module. Default `nsm-attest`. */
  nitroHelper?: string
  /** Program that asks AMD's secure processor for a key. Default `snp-derive-key`. */
  sealingHelper?: string
  /** Milliseconds that it may take. Default 10000. */
  sealingTimeoutMs?: number
  /** Environment of this process, which tells Confidential ACI. Default `process.env`. */
  env?: Readonly<Record<string, string | undefined>>
  /** Collateral that this machine lacks, by the kind of evidence it goes with. Default: files of {@link COLLATERAL_FOLDER}. */
  collateral?: (family: EvidenceFamily) => Promise<Readonly<Record<string, Uint8Array>>>
}

/** A machine has one processor: what is more specific comes first. */
const ORDER: readonly ProcessorSource[] = ['azure-cvm', 'nitro', 'sgx', 'tdx', 'sev-snp']

/**
 * The TEE this process runs in: its processor, and the GPUs that NVIDIA's driver has at the time of a collection.
 * Evidence carries 64 bytes by the table of its family (T8); with GPUs the processor commits to their evidence and number
 * (T9), so that none of it can be left out or added afterwards. How many GPUs there have to be is for a policy to say.
 * A driver whose GPUs this process may not use fails the collection: they could compute, and would not be in the proof.
 *
 * @throws `TEE_ABSENT` (fix-input) when this machine can attest nothing, naming why; `COLLATERAL_BUNDLE` for a file of
 *   collateral that no evidence could carry
 */
export async function openHardware(options: HardwareOptions = {}): Promise<TrustedHardware> {
  const machine = options.machine ?? thisMachine()
  const files = options.files ?? hardwareFiles()
  const look = async (): Promise<readonly HardwareFinding[]> =>
    options.findings ?? (await detectHardware(files))
  const findings = await look()
  const family = ORDER.find((source) => find(findings, source)?.status === 'ready')
  const collateral = options.collateral ?? collateralFiles()
  if (family === undefined) throw nothingReady(findings)
  // A file that nobody could use is found now, and not when keys are asked for.
  await Promise.all([family, 'nvidia' as const].map((kind) => collateral(kind)))

  return {
    family,
    async collectEvidence(binding) {
      const { nvidia, [family]: table } = BINDINGS
      if (binding.length !== 64) throw new RangeError('a binding has 64 bytes')
      const gpus = hasGpus(await look())
        ? [await collectGpuEvidence(nvidia.expectation(binding), options.gpus)]
        : []
      const carried = gpus.length === 0 ? binding : commitToGpus(binding, gpus)
      const processor = await PROCESSOR_SOURCES[family](machine, table.expectation(carried), {
        nitroHelper: options.nitroHelper ?? 'nsm-attest',
      })
      const pieces = [
        { family, ...processor },
        ...gpus.map((evidence) => ({ family: 'nvidia' as const, evidence, collateral: {} })),
      ]
      return Promise.all(pieces.map((piece) => encode(piece, collateral)))
    },
    deriveSealingKey: (context) =>
      deriveSealing(
        family,
        {
          helper: options.sealingHelper ?? 'snp-derive-key',
          timeoutMs: options.sealingTimeoutMs,
          env: options.env ?? process.env,
        },
        context,
      ),
  }
}

function find(findings: readonly HardwareFinding[], source: HardwareSource): HardwareFinding | undefined {
  return findings.find((finding) => finding.source === source)
}

/** @throws `TEE_UNAVAILABLE` when there are some, and this process may not ask them */
function hasGpus(findings: readonly HardwareFinding[]): boolean {
  const gpus = find(findings, 'nvidia')
  if (gpus?.status !== 'blocked') return gpus?.status === 'ready'
  throw serveError('TEE_UNAVAILABLE', 'there are GPUs that would be left out of the evidence', {
    expected: 'GPUs that answer, or none',
    found: gpus.why,
    ...(gpus.fix !== undefined && { hint: gpus.fix }),
  })
}

async function encode(
  { family, evidence, collateral }: CollectedPiece & { family: EvidenceFamily },
  moreOf: NonNullable<HardwareOptions['collateral']>,
): Promise<EvidencePiece> {
  const more = await moreOf(family)
  const pieces = Object.entries({ ...more, ...collateral })
  return {
    family,
    evidence: toBase64Url(evidence),
    collateral: Object.fromEntries(pieces.map(([name, bytes]) => [name, toBase64Url(bytes)])),
  }
}

function nothingReady(findings: readonly HardwareFinding[]): Error {
  const blocked = findings.filter(({ status }) => status === 'blocked')
  const [first] = blocked
  return serveError('TEE_ABSENT', 'this machine can attest nothing', {
    expected: ORDER.join(' or '),
    found: blocked.map(({ title, why }) => `${title}: ${why}`).join('; ') || 'no hardware for it',
    ...(first?.fix !== undefined && { hint: first.fix }),
  })
}
