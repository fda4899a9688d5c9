import { SottoError } from '@sotto/protocol/errors'
import type { TrustedHardware } from '@sotto/serve/tee'
import { acceptsSoftware, type TrustPolicy } from '@sotto/verifier'

/** What of a role's configuration says for which kind of TEE it is. */
export interface OfAKind {
  policy: TrustPolicy
  listen: { host: string }
}

/** Software and hardware never stand in for each other, and software stays on this machine (T10). @throws `ROLE_WRONG_TEE` */
export function requireOwnKind(config: OfAKind, hardware: TrustedHardware): void {
  const isSoftware = hardware.family === 'software'
  const isLoopback = ['127.0.0.1', '::1'].includes(config.listen.host)
  if (acceptsSoftware(config.policy) === isSoftware && (isLoopback || !isSoftware)) return
  throw new SottoError('ROLE_WRONG_TEE', 'stop', 'the configuration is for another kind of TEE', {
    expected: isSoftware ? 'a policy for the software TEE and a loopback address' : 'a policy for hardware',
    found: `${config.policy.platforms.map(({ name }) => name).join(', ')} at ${config.listen.host}`,
  })
}
