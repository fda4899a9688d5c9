import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { createWorld } from '@sotto/testkit'
import { verifierKeyOf } from '@sotto/protocol/note'
import { ORIGIN, SIGNER, type TestWitness, TOKEN } from '../../packages/edge/test/log/parties.ts'

/** What `release:build` reaches a log of these witnesses by: a trust policy and a token, each in a file. */
export async function writeLogFiles(
  folder: string,
  witnesses: readonly TestWitness[],
): Promise<{ policy: string; tokenFile: string }> {
  const policy = await writePolicy(folder, witnesses)
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  return { policy, tokenFile }
}

/** @returns its file */
export async function writePolicy(
  folder: string,
  witnesses: readonly TestWitness[],
  change: Partial<TrustPolicy> = {},
): Promise<string> {
  const { policy } = await createWorld()
  const file = join(folder, 'policy.json')
  writeFileSync(
    file,
    encodeTrustPolicy({
      ...policy,
      log: { origin: ORIGIN, key: verifierKeyOf(SIGNER, 'ed25519') },
      witnesses: {
        ...policy.witnesses,
        keys: witnesses.map(({ key }, i) => ({ key, organisation: `w${i}`, operator: true })),
        quorum: 2,
      },
      ...change,
    }),
  )
  return file
}
