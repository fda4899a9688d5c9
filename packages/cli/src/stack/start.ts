import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { documentDigest, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { uploadLimits } from '@sotto/protocol/sizes'
import { encodeTrustPolicy, softwareRootDigest } from '@sotto/verifier'
import { encodeRoleConfig, kmsConfig, relayConfig } from '../roles/index.ts'
import { launch, type LaunchedRole } from '../software-tee/launch.ts'
import { openMachine } from '../software-tee/machine.ts'
import type { RoleProcess } from './child.ts'
import { keyReleasePolicyOf, localDataUse, localTrustPolicy, type MeasuredRole } from './documents.ts'
import { enclaveName, prepareEnclaves, releaseAll } from './enclaves.ts'
import { openMemberKey } from '../governance/index.ts'
import { checkAliases } from './aliases.ts'
import { checkAzureService } from './azure.ts'
import { startEdge, startLog } from './edge-roles.ts'
import { callJson } from './http.ts'
import { placeApp } from './app.ts'
import { decideAlone } from './govern.ts'
import { placeImages, removeImages } from './images.ts'
import { chooseModels, sealModels, signKeyImport } from './models.ts'
import { describeSealedStore, describeStateError } from './state-error.ts'
import { admitOwners, forgetSealed } from './owners.ts'
import { startRegistry } from './registry.ts'
import { prepareRoom, ROOM, startBoards } from './rooms.ts'
import { choosePorts } from './ports.ts'
import { openSecret, openSigner, openState } from './state.ts'
import { openTap } from './tap.ts'
import type { Stack, StackOptions, TappedParty } from './types.ts'
import { verifyKms } from './verify-kms.ts'

const GATEWAY = 'inference'
/** What an enclave that is replaced may take to finish its answers. */
const DRAIN_MS = 20_000
const PORTS = ['log', 'witness', 'kms', 'relay', 'azure', 'registry'] as const
const ROOM_PORTS = ['rooms', ROOM] as const

/**
 * Starts log, witness, KMS, enclave and relay as processes of their own, boards and clean room where they are asked for,
 * seals the default models, and leaves the policy a client of this stack pins. Nothing is shared between them but HTTP.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const roles: RoleProcess[] = []
  const taps: Stack['taps'] = {}
  const held: (() => void)[] = []
  const stop = async (): Promise<void> => {
    for (const role of [...roles].reverse()) await role.stop()
    for (const tap of Object.values(taps)) await tap.close()
    for (const giveBack of held) giveBack()
    await removeImages(options.stateFolder)
  }
  try {
    const { restartable, ...started } = await startAll(options, roles, taps, held)
    const restartEnclaves: Stack['restartEnclaves'] = async (onRestart) => {
      for (const [name, start] of restartable) {
        const at = roles.findIndex((role) => role.name === name)
        await roles[at]!.stop(DRAIN_MS)
        roles[at] = await start()
        onRestart?.(name)
      }
    }
    return { ...started, roles, taps, restartEnclaves, stop }
  } catch (error) {
    await stop()
    throw describeStateError(error, options.stateFolder)
  }
}

async function startAll(
  options: StackOptions,
  roles: RoleProcess[],
  taps: Stack['taps'],
  held: (() => void)[],
): Promise<
  Omit<Stack, 'roles' | 'taps' | 'stop' | 'restartEnclaves'> & {
    /** Enclaves by name, in the order in which they are started again. */
    restartable: Map<string, () => Promise<LaunchedRole>>
  }
> {
  const { now = () => Math.floor(Date.now() / 1000), replicas = 1, app, expiresAt, rooms = false } = options
  const releasedApp = app && { name: app.name, sha256: app.code.sha256 }
  const names = Array.from({ length: replicas }, (_, index) => enclaveName(index))
  const onProgress = (text: string): void => {
    options.signal?.throwIfAborted()
    options.onProgress?.(text)
  }
  const uploads = uploadLimits(options.maxUploadBytes)
  const dataUse = localDataUse(options.receiptLogSeconds)
  const state = await openState(options.stateFolder)
  const layout = await placeImages(
    options.layout,
    state.images,
    rooms ? ['kms', 'inference', 'room'] : ['kms', 'inference'],
  )
  const portNames = [...PORTS, ...names, ...(rooms ? ROOM_PORTS : [])]
  const { ports, giveBack } = await choosePorts(join(state.root, 'ports.json'), portNames)
  held.push(giveBack)
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
    ports: { log: ports['log']!, witness: ports['witness']! },
    appendToken,
    reachWitness: (port) => reach('witness', port),
  })
  roles.push(...logRoles)
  const logUrl = await reach('log', ports['log']!)

  onProgress('starting the KMS')
  const kmsRole = kmsConfig({
    name: 'local stack',
    listen: { host: '127.0.0.1', port: ports['kms']! },
    store: state.store('kms'),
    logUrl,
    log,
    founders: {
      members: [{ name: 'this machine', key: member.key }],
      threshold: 1,
      releaseKeys: [toBase64Url(releaseKey!.publicKey)],
    },
    softwareRoots: [root],
    azure: options.compat === 'azure' ? { host: '127.0.0.1', port: ports['azure']! } : undefined,
  })
  await writeWhole(state.config('kms'), encodeRoleConfig(kmsRole))
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
  const kmsUrl = await reach('kms', ports['kms']!)
  const { genesis } = await callJson<{ genesis: LoggedStatement }>(`${kmsUrl}/v1/genesis`)
  const genesisDigest = documentDigest(parseDsse(utf8(genesis.envelope)).payload)
  const policy = localTrustPolicy({
    genesis: genesisDigest,
    releaseKey: releaseKey!.publicKey,
    log,
    root,
    app: releasedApp,
    rooms,
  })

  onProgress('starting the registry')
  const owners = { local: options.owner, admitted: options.admitted ?? [] }
  const registry = {
    port: ports['registry']!,
    genesis: genesisDigest,
    logUrl,
    log,
    appendToken,
    owners,
  }
  roles.push(await startRegistry({ layout, state, ...registry }))
  const registryUrl = await reach('registry', ports['registry']!)
  if (rooms) {
    onProgress('starting the boards')
    roles.push(await startBoards({ layout, state, port: ports['rooms']!, genesis: genesisDigest }))
  }
  const roomAddresses = rooms
    ? { boardsUrl: await reach('rooms', ports['rooms']!), roomUrl: await reach('room', ports[ROOM]!) }
    : undefined

  onProgress('measuring and releasing the images')
  const ownKms = { kmsUrl, genesis: genesisDigest, member, now: now() }
  await admitOwners(ownKms, owner!, owners)
  await forgetSealed(ownKms, owner!, state.models)
  const models = await sealModels(
    await chooseModels(layout.models, options.models, options.extraModels ?? []),
    state.models,
  )
  checkAliases(options.aliases ?? {}, models)
  const placed = app && (await placeApp(app, state.models))
  const enclaves = await prepareEnclaves({
    layout,
    state,
    machine,
    ports: names.map((name) => ports[name]!),
    role: {
      kmsUrls: [kmsUrl],
      logUrl,
      registryUrl,
      rooms: roomAddresses,
      policy,
      modelsFolder: state.models,
      models,
      aliases: options.aliases ?? {},
      dataUse,
      maxUploadBytes: uploads.fileBytes,
      app: placed?.role,
      expiresAt,
      compat: options.compat,
    },
    env: options.receiptLogSeconds === undefined ? {} : { SOTTO_LOG_APPEND_TOKEN: appendToken },
  })
  const room =
    roomAddresses &&
    (await prepareRoom({
      layout,
      state,
      machine,
      port: ports[ROOM]!,
      kmsUrl,
      logUrl,
      boardsUrl: roomAddresses.boardsUrl,
      policy,
    }))
  const workloads = [...enclaves.measured, ...(room ? [room.measured] : [])]
  const measuredKms: MeasuredRole = {
    role: 'kms',
    digest: kms.image.digest,
    measurement: kms.measurement,
    hostData: kms.hostData,
  }
  const releases = await releaseAll([measuredKms, ...workloads], {
    logUrl,
    appendToken,
    signer: releaseKey!,
    now: now(),
    dataUse,
    app: releasedApp,
  })
  const releasePolicy = { genesis: genesisDigest, workloads, root, now: now() }
  await decideAlone(ownKms, 'key-release-policy', keyReleasePolicyOf(releasePolicy), releases)

  onProgress('sealing the models')
  const service = await verifyKms(kmsUrl, logUrl, policy, now())
  for (const content of [...models, ...(placed?.sealed ?? [])]) {
    const body = signKeyImport(content, service, owner!) as Uint8Array<ArrayBuffer>
    await callJson(`${kmsUrl}/v1/artifacts/${content.id}/key`, { method: 'POST', body })
    content.contentKey.fill(0)
  }
  const azureKms = `https://127.0.0.1:${ports['azure']!}`
  const serviceFile = join(state.root, 'azure-service.pem')
  await rm(serviceFile, { force: true })
  if (options.compat === 'azure') {
    const pem = await checkAzureService({ url: azureKms, logUrl, policy, service, now: now() })
    await writeWhole(serviceFile, pem, 0o644)
  }

  onProgress(replicas === 1 ? 'starting the enclave' : `starting ${replicas} enclaves`)
  roles.push(...(await enclaves.start()))
  if (room) {
    onProgress('starting the clean room')
    roles.push(await room.start())
  }
  const [first, ...others] = names.map((name) => ports[name]!)
  const gatewayUrl = await reach('gateway', first!)

  onProgress('starting the relay')
  const relay = relayConfig({
    listen: { host: '127.0.0.1', port: ports['relay']! },
    gateway: GATEWAY,
    enclaves: [gatewayUrl, ...others.map((port) => `http://127.0.0.1:${port}`)],
    logUrl,
    browserOrigins: options.browserOrigins ?? [],
    requestBytes: uploads.messageBytes,
  })
  roles.push(await startEdge({ layout, state }, 'relay', relay))
  const relayUrl = await reach('relay', ports['relay']!)
  await writeWhole(state.policy, encodeTrustPolicy(policy), 0o644)
  return {
    relayUrl,
    gateway: GATEWAY,
    policy,
    policyFile: state.policy,
    restartable: new Map([
      ...names.map((name, index) => [name, () => enclaves.startOne(index)] as const),
      ...(room ? [[ROOM, room.start] as const] : []),
    ]),
    ...(options.compat === 'azure' && {
      azure: { kms: azureKms, serviceFile, score: `${gatewayUrl}/score` },
    }),
  }
}
