import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { toBase64Url } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { documentDigest, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { uploadLimits } from '@sotto/protocol/sizes'
import { encodeTrustPolicy, softwareRootDigest, type TrustPolicy } from '@sotto/verifier'
import { launch, measureLaunch } from '../software-tee/launch.ts'
import { openMachine } from '../software-tee/machine.ts'
import type { RoleProcess } from './child.ts'
import {
  keyReleasePolicyOf,
  localDataUse,
  localTrustPolicy,
  loggedStatement,
  signRelease,
  type MeasuredRole,
} from './documents.ts'
import { openMemberKey } from '../governance/index.ts'
import { checkAliases } from './aliases.ts'
import { checkAzureService } from './azure.ts'
import { startEdge, startLog } from './edge-roles.ts'
import { appendToLog, callJson } from './http.ts'
import { decideAlone } from './govern.ts'
import { placeImages, removeImages } from './images.ts'
import type { Layout } from './layout.ts'
import { sealModels, signKeyImport } from './models.ts'
import { describeSealedStore, describeStateError } from './state-error.ts'
import { admitOwners, forgetSealed } from './owners.ts'
import { startRegistry } from './registry.ts'
import { choosePorts, openSecret, openSigner, openState } from './state.ts'
import { openTap, type Tap } from './tap.ts'
import { verifyKms } from './verify-kms.ts'
import { utf8 } from '@sotto/protocol/bytes'

/** How to start a local stack. */
export interface StackOptions {
  layout: Layout
  /** Everything the stack keeps; made when absent. */
  stateFolder: string
  /** Folders of models to serve beside the default ones. */
  extraModels?: readonly string[]
  /** Other names of models. Default: none. */
  aliases?: Readonly<Record<string, string>>
  /** Web origins whose pages may use the relay. Default: none. */
  browserOrigins?: readonly string[]
  /** Largest recording, bytes. Default 256 MiB. */
  maxUploadBytes?: number
  /** Public key of a model owner whose keys the KMS may keep beside those of the stack itself. */
  owner?: Uint8Array
  /** Log digests of receipts in batches this far apart, 10 to 86400. Default: none are logged. */
  receiptLogSeconds?: number
  /** Another dialect that KMS and enclave serve too. Default: none. */
  compat?: 'azure'
  /** Record what every party receives on its sockets. */
  tap?: boolean
  onProgress?: (text: string) => void
  /** Ends the start; what was started is stopped again. */
  signal?: AbortSignal
  /** Unix seconds. */
  now?: () => number
}

/** Every part of a running stack, all on this machine. */
export interface Stack {
  roles: RoleProcess[]
  relayUrl: string
  gateway: string
  policy: TrustPolicy
  policyFile: string
  /** Only with `compat`. */
  azure?: AzureAddresses
  /** Only with `tap`. */
  taps: Partial<Record<TappedParty, Tap>>
  /** Stops every role, newest first. */
  stop(): Promise<void>
}

/** Where clients of the other dialect connect. */
export interface AzureAddresses {
  /** `https://…`, with a certificate of this boot. */
  kms: string
  /** PEM of the certificate that they pin, checked. */
  serviceFile: string
  score: string
}

/** Parties a tap can stand in front of. */
export type TappedParty = 'relay' | 'gateway' | 'kms' | 'log' | 'witness' | 'registry'

const GATEWAY = 'inference'
const PORTS = ['log', 'witness', 'kms', 'inference', 'relay', 'azure', 'registry'] as const

/**
 * Starts log, witness, KMS, enclave and relay as processes of their own, seals the default models,
 * and leaves the policy a client of this stack pins. Nothing is shared between them but HTTP.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const roles: RoleProcess[] = []
  const taps: Stack['taps'] = {}
  const stop = async (): Promise<void> => {
    for (const role of [...roles].reverse()) await role.stop()
    for (const tap of Object.values(taps)) await tap.close()
    await removeImages(options.stateFolder)
  }
  try {
    return { ...(await startAll(options, roles, taps)), roles, taps, stop }
  } catch (error) {
    await stop()
    throw describeStateError(error, options.stateFolder)
  }
}

async function startAll(
  options: StackOptions,
  roles: RoleProcess[],
  taps: Stack['taps'],
): Promise<Omit<Stack, 'roles' | 'taps' | 'stop'>> {
  const { now = () => Math.floor(Date.now() / 1000) } = options
  const onProgress = (text: string): void => {
    options.signal?.throwIfAborted()
    options.onProgress?.(text)
  }
  const uploads = uploadLimits(options.maxUploadBytes)
  const dataUse = localDataUse(options.receiptLogSeconds)
  const state = await openState(options.stateFolder)
  const layout = await placeImages(options.layout, state.images)
  const ports = await choosePorts(join(state.root, 'ports.json'), PORTS)
  const appendToken = await openSecret(state.key('append-token'))
  const [releaseKey, owner] = await Promise.all(
    ['release', 'owner'].map((name) => openSigner(state.key(name))),
  )
  const member = await openMemberKey(state.key('member'))
  const machine = await openMachine(state.machine)
  const root = softwareRootDigest(machine.rootPublicKey)
  /** Where others reach a party: through its tap when there is one. */
  const reach = async (party: TappedParty, port: number): Promise<string> => {
    if (options.tap) taps[party] = await openTap(port)
    return `http://127.0.0.1:${taps[party]?.port ?? port}`
  }

  onProgress('starting the log and its witness')
  const { identity: log, roles: logRoles } = await startLog({
    layout,
    state,
    ports,
    appendToken,
    reachWitness: (port) => reach('witness', port),
  })
  roles.push(...logRoles)
  const logUrl = await reach('log', ports.log)

  onProgress('starting the KMS')
  await writeWhole(
    state.config('kms'),
    JSON.stringify({
      name: 'local stack',
      listen: { host: '127.0.0.1', port: ports.kms },
      store: state.store('kms'),
      log: { url: logUrl, origin: log.origin, key: log.key },
      witnesses: { keys: [log.witnessKey], quorum: 1 },
      members: [{ name: 'this machine', key: member.key }],
      threshold: 1,
      releaseKeys: [toBase64Url(releaseKey!.publicKey)],
      softwareRoots: [root],
      ...(options.compat === 'azure' && {
        compat: { dialect: 'azure', listen: { host: '127.0.0.1', port: ports.azure } },
      }),
    }),
  )
  const kms = await launch({
    name: 'kms',
    machine,
    image: layout.image('kms'),
    config: state.config('kms'),
    logFile: state.log('kms'),
    env: { SOTTO_LOG_APPEND_TOKEN: appendToken },
  }).catch((error: unknown) => {
    throw describeSealedStore(error, state.root)
  })
  roles.push(kms)
  const kmsUrl = await reach('kms', ports.kms)
  const { genesis } = await callJson<{ genesis: LoggedStatement }>(`${kmsUrl}/v1/genesis`)
  const genesisDigest = documentDigest(parseDsse(utf8(genesis.envelope)).payload)
  const policy = localTrustPolicy({ genesis: genesisDigest, releaseKey: releaseKey!.publicKey, log, root })

  onProgress('starting the registry')
  const registry = {
    port: ports.registry,
    genesis: genesisDigest,
    logUrl,
    log,
    appendToken,
    owner: options.owner,
  }
  roles.push(await startRegistry({ layout, state, ...registry }))
  const registryUrl = await reach('registry', ports.registry)

  onProgress('measuring and releasing the images')
  const ownKms = { kmsUrl, genesis: genesisDigest, member, now: now() }
  await admitOwners(ownKms, owner!, options.owner)
  await forgetSealed(ownKms, owner!, state.models)
  const models = await sealModels([layout.models, ...(options.extraModels ?? [])], state.models)
  checkAliases(options.aliases ?? {}, models)
  await writeWhole(
    state.config('inference'),
    JSON.stringify({
      listen: { host: '127.0.0.1', port: ports.inference },
      kms: { url: kmsUrl },
      log: { url: logUrl },
      registry: { url: registryUrl },
      policy,
      models: { directory: state.models, artifacts: models.map(({ id, file }) => ({ id, file })) },
      aliases: options.aliases ?? {},
      dataUse,
      maxUploadBytes: uploads.fileBytes,
      ...(options.compat !== undefined && { compat: options.compat }),
    }),
  )
  const inference = await measureLaunch(layout.image('inference'), state.config('inference'))
  const measured: Record<'kms' | 'inference', MeasuredRole> = {
    kms: { role: 'kms', digest: kms.image.digest, measurement: kms.measurement, hostData: kms.hostData },
    inference: {
      role: 'inference',
      digest: inference.image.digest,
      measurement: inference.measurement,
      hostData: inference.hostData,
    },
  }
  const releases = await Promise.all(
    Object.values(measured).map(async (workload) => {
      const envelope = signRelease(workload, releaseKey!, now(), dataUse)
      return loggedStatement(envelope, await appendToLog(logUrl, appendToken, envelope))
    }),
  )
  const releasePolicy = { genesis: genesisDigest, workload: measured.inference, root, now: now() }
  await decideAlone(ownKms, 'key-release-policy', keyReleasePolicyOf(releasePolicy), releases)

  onProgress('sealing the models')
  const service = await verifyKms(kmsUrl, logUrl, policy, now())
  for (const model of models) {
    const body = signKeyImport(model, service, owner!) as Uint8Array<ArrayBuffer>
    await callJson(`${kmsUrl}/v1/artifacts/${model.id}/key`, { method: 'POST', body })
    model.contentKey.fill(0)
  }
  const azureKms = `https://127.0.0.1:${ports.azure}`
  const serviceFile = join(state.root, 'azure-service.pem')
  await rm(serviceFile, { force: true })
  if (options.compat === 'azure') {
    const pem = await checkAzureService({ url: azureKms, logUrl, policy, service, now: now() })
    await writeWhole(serviceFile, pem, 0o644)
  }

  onProgress('starting the enclave')
  roles.push(
    await launch({
      name: 'inference',
      machine,
      image: layout.image('inference'),
      config: state.config('inference'),
      logFile: state.log('inference'),
      ...(options.receiptLogSeconds !== undefined && { env: { SOTTO_LOG_APPEND_TOKEN: appendToken } }),
    }),
  )
  const gatewayUrl = await reach('gateway', ports.inference)

  onProgress('starting the relay')
  roles.push(
    await startEdge({ layout, state }, 'relay', {
      listen: { host: '127.0.0.1', port: ports.relay },
      gateways: { [GATEWAY]: gatewayUrl },
      log: logUrl,
      browserOrigins: options.browserOrigins ?? [],
      limits: { requestBytes: uploads.messageBytes },
    }),
  )
  const relayUrl = await reach('relay', ports.relay)
  await writeWhole(state.policy, encodeTrustPolicy(policy), 0o644)
  return {
    relayUrl,
    gateway: GATEWAY,
    policy,
    policyFile: state.policy,
    ...(options.compat === 'azure' && {
      azure: { kms: azureKms, serviceFile, score: `${gatewayUrl}/score` },
    }),
  }
}
