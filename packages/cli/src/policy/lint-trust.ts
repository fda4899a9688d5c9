import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { type LintFinding, lintPolicy } from '@sotto/verifier/appraisal'
import { platformPolicy } from '@sotto/verifier/workload'

/**
 * What in a trust policy deserves a second look. Never throws: a malformed document is one finding of
 * level `error`.
 */
export function lintTrustPolicy(text: string, at: number): LintFinding[] {
  let policy: TrustPolicy
  try {
    policy = parseTrustPolicy(text)
  } catch (error) {
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    const details = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
    const path = /policy[\w.[\]]*/.exec(message.replace('trust policy is malformed: ', ''))?.[0] ?? 'policy'
    return [
      {
        level: 'error',
        code: 'malformed',
        path,
        message: details === '' ? message : `${message}: ${details}`,
      },
    ]
  }
  return [...lintPlatforms(policy, at), ...lintWitnesses(policy), ...lintKeys(policy)]
}

/** Which program runs is for releases to say, and left open here. */
const OPEN_HERE = ['any-program', 'any-firmware', 'any-configuration']

function lintPlatforms(policy: TrustPolicy, at: number): LintFinding[] {
  const { platforms, require } = policy
  const mayHaveGpu = platforms.some(({ gpuBinding }) => gpuBinding !== undefined)
  return [
    ...lintPolicy(platformPolicy(policy), at)
      .filter(({ code }) => !OPEN_HERE.includes(code))
      .map((finding) => ({ ...finding, path: finding.path.replace(/^anyOf/, 'platforms') })),
    ...(mayHaveGpu && !require.includes('hardware.gpu')
      ? [
          warning(
            'gpu-optional',
            'require',
            'hardware.gpu may be skipped, and a platform has GPUs: without it a platform that has none passes too',
          ),
        ]
      : []),
  ]
}

function lintWitnesses({ witnesses }: TrustPolicy): LintFinding[] {
  const counted = witnesses.keys.filter(({ operator }) => !operator || witnesses.allowOperatorWitnesses)
  const organisations = new Set(counted.map(({ organisation }) => organisation))
  const findings: LintFinding[] = []
  if (witnesses.allowOperatorWitnesses)
    findings.push(
      warning(
        'operator-witnesses',
        'witnesses.allowOperatorWitnesses',
        'witnesses of the operator count: a split view of the log would go unnoticed',
      ),
    )
  if (organisations.size < 2)
    findings.push(
      warning('one-witness', 'witnesses.keys', 'fewer than two independent organisations witness the log'),
    )
  if (witnesses.quorum > counted.length)
    findings.push(
      warning('no-quorum', 'witnesses.quorum', `only ${counted.length} witnesses count: nothing is accepted`),
    )
  return findings
}

function lintKeys({ kems, releaseKeys, minSecurityVersion, require, dataUse }: TrustPolicy): LintFinding[] {
  const findings: LintFinding[] = []
  const classical = kems.filter((kem) => kem !== 'X-Wing')
  if (classical.length > 0)
    findings.push(
      warning(
        'classical-kem',
        'kems',
        `admits ${classical.join(' and ')} keys: what is recorded today can be read by a quantum computer later`,
      ),
    )
  if (releaseKeys.length > 4)
    findings.push(warning('many-release-keys', 'releaseKeys', 'any of many keys may sign a release'))
  for (const [role, version] of Object.entries(minSecurityVersion)) {
    if (version > 0) continue
    const path = `minSecurityVersion.${role}`
    findings.push(warning('no-security-version', path, 'admits releases with known defects'))
  }
  if (dataUse === undefined)
    findings.push(
      warning(
        'any-data-use',
        'dataUse',
        'does not ask what content is used for: a release may say that it keeps it or trains on it, or say nothing',
      ),
    )
  if (!require.includes('log.consistency'))
    findings.push(
      warning(
        'consistency-optional',
        'require',
        'log.consistency may be skipped: a client that remembers nothing of the log can be shown another one',
      ),
    )
  return findings
}

function warning(code: string, path: string, message: string): LintFinding {
  return { level: 'warning', code, path, message }
}
