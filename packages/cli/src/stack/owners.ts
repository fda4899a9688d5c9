import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { toBase64Url } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { hasCode } from '@sotto/protocol/errors'
import { type AdmittedOwner, MAX_OWNED_ARTIFACTS } from '@sotto/protocol/governance'
import { type ArtifactKeyRemoval, encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { decideAlone, type OwnKms } from './govern.ts'
import { callJson } from './http.ts'
import type { Signer } from './state.ts'

/** Half for the models that the stack itself serves, half for whoever works on this machine. */
const ARTIFACTS: number = MAX_OWNED_ARTIFACTS / 2
/** Of each of the others: data of many contracts, and none of them fills the KMS. */
const ADMITTED_ARTIFACTS = 64

/** Changes that a KMS takes in one go are for the new keys too; after that it takes two a second. */
const AT_ONCE = 12
const PAUSE_MS = 500

/** Who may use a local stack, beside the stack itself. */
export interface LocalOwners {
  /** Public key of an owner of this machine, if there is one. */
  local: Uint8Array | undefined
  /** Public keys of others, base64url, each once. */
  admitted: readonly string[]
}

/**
 * Lets the stack keep the keys of its own models, an owner of this machine those of theirs, and others whom the operator
 * names. Decided only where it is not so already: a stack that starts again has no reason for another decision.
 */
export async function admitOwners(
  kms: OwnKms,
  stack: Signer,
  { local, admitted }: LocalOwners,
): Promise<void> {
  const own = local && toBase64Url(local)
  const wanted: AdmittedOwner[] = [
    { name: 'this stack', key: toBase64Url(stack.publicKey), artifacts: ARTIFACTS },
    ...(own === undefined ? [] : [{ name: 'owner on this machine', key: own, artifacts: ARTIFACTS }]),
    ...admitted
      .filter((key) => key !== own)
      .map((key) => ({ name: `admitted ${key}`, key, artifacts: ADMITTED_ARTIFACTS })),
  ]
  const { owners = [] } = await callJson<{ owners?: AdmittedOwner[] }>(`${kms.kmsUrl}/v1/proposals`)
  const isAdmitted = wanted.every(({ key }) => owners.some((owner) => owner.key === key))
  if (!isAdmitted) await decideAlone(kms, 'owners', { owners: wanted })
}

/**
 * Forgets the models that an earlier start sealed: files that nothing names, and keys that would fill the KMS one start
 * after the other.
 */
export async function forgetSealed(kms: OwnKms, stack: Signer, folder: string): Promise<void> {
  for (const [index, file] of (await readdir(folder)).entries()) {
    const [, artifact] = /^([0-9a-f]{32})\.sealed$/.exec(file) ?? []
    if (index >= AT_ONCE) await sleep(PAUSE_MS)
    if (artifact !== undefined) await removeKey(kms, stack, artifact)
    await rm(join(folder, file), { force: true })
  }
}

async function removeKey({ kmsUrl, genesis, now }: OwnKms, owner: Signer, artifact: string): Promise<void> {
  const removal: ArtifactKeyRemoval = {
    version: 1,
    genesis,
    artifact,
    owner: toBase64Url(owner.publicKey),
    createdAt: now,
  }
  const signer = { secretSeed: owner.seed, publicKey: owner.publicKey }
  const body = signDsse(PAYLOAD_TYPES.artifactKeyRemoval, encodeDocument(removal), [signer])
  const init = { method: 'DELETE', body: body as Uint8Array<ArrayBuffer> }
  await callJson(`${kmsUrl}/v1/artifacts/${artifact}/key`, init).catch((error: unknown) => {
    // One of a store that was made anew, or of an owner whose key was: then it is not there.
    if (!hasCode(error, 'KMS_OWNER_UNKNOWN') && !hasCode(error, 'KMS_ARTIFACT_OWNED')) throw error
  })
}
