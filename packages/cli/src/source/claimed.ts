import { checkTrust } from '@sotto/client'
import { parseTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import { type Step, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import { cliError } from '../errors.ts'
import { readEvidence, recogniseFile } from '../evidence/index.ts'
import { type CommandContext, exitCodeOfVerdict } from '../framework/index.ts'
import {
  connectOptions,
  readPolicy,
  resolvePolicyPath,
  resolveTarget,
  type TargetFlags,
} from '../service/index.ts'
import { type ExpectedRelease, releasesOfBundle } from './expected.ts'

/** What sources are compared with. */
export interface Claimed {
  /** Steps that say whether the releases are authentic. */
  steps: Step[]
  releases: ExpectedRelease[]
  flavour: 'release' | 'software'
  /** Exit code when a step of `steps` refuses. */
  refused: number
}

type ServiceFlags = Omit<TargetFlags, 'host'>

/** The releases of a service that was verified, or of a saved trust bundle; none where that refuses. */
export async function claimedByService(
  context: CommandContext,
  target: string | undefined,
  flags: ServiceFlags,
): Promise<Claimed> {
  const isFile = target !== undefined && !/^https?:\/\//i.test(target)
  const { bundle, verdict, policy } = isFile
    ? await judgeFile(context, target, flags)
    : await judgeService(context, target, flags)
  if (!verdict.ok || bundle === undefined)
    return { steps: verdict.steps, releases: [], flavour: 'release', refused: exitCodeOfVerdict(verdict) }
  return {
    steps: verdict.steps,
    releases: releasesOfBundle(bundle, policy),
    flavour: verdict.software ? 'software' : 'release',
    refused: exitCodeOfVerdict(verdict),
  }
}

interface Judged {
  bundle: TrustBundle | undefined
  verdict: ReturnType<typeof verifyTrustBundle>['verdict']
  policy: TrustPolicy
}

async function judgeFile(context: CommandContext, name: string, flags: ServiceFlags): Promise<Judged> {
  const file = recogniseFile(await readEvidence(context.io, name), name)
  if (file.kind !== 'bundle')
    throw cliError('CLI_FILE', `${name} is evidence, which names no release`, {
      hint: 'name a saved trust bundle, a service, or --release FILE',
    })
  const policy = await readPolicy(await resolvePolicyPath(context, flags))
  const now = Math.floor(context.io.now() / 1000)
  return { bundle: file.bundle, policy, ...verifyTrustBundle(file.bundle, policy, { now }) }
}

/** Verifies as any client does, and keeps the very bytes that were verified. */
async function judgeService(
  context: CommandContext,
  host: string | undefined,
  { gateway, log, policy }: ServiceFlags,
): Promise<Judged> {
  const target = await resolveTarget(context, { gateway, log, policy, host })
  let copy: Response | undefined
  const verdict = await checkTrust(target.host, {
    ...connectOptions(context, target),
    async fetch(input, init) {
      const response = await context.io.fetch(input, init)
      if (String(input).endsWith('/trust')) copy = response.clone()
      return response
    },
  })
  const bundle =
    verdict.ok && copy !== undefined ? parseTrustBundle(new Uint8Array(await copy.arrayBuffer())) : undefined
  return { bundle, verdict, policy: target.policy }
}
