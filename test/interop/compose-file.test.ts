import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { POLICY } from '../deploy/chart/values.ts'
import { type ClusterDesk, openClusterDesk, printedCommands, type Tee, TEES } from '../deploy/cluster-desk.ts'

/** `go build` of test/interop/compose-peer, which has the loader of the Compose Specification in it. */
const PEER = process.env['SOTTO_COMPOSE_PEER']
if (PEER === undefined)
  process.stderr.write(
    'skipped: SOTTO_COMPOSE_PEER names no build of test/interop/compose-peer: compose files are read by our own tests only\n',
  )

const PROFILES = { edge: ['log', 'registry', 'relay'], kms: ['kms'], enclave: ['inference'] } as const
const CAPABILITIES = ['SYS_ADMIN', 'SETUID', 'SETGID', 'KILL', 'CHOWN', 'DAC_OVERRIDE', 'NET_ADMIN']
/** Bytes that a loader may take for something of its own. */
const TOKEN = 'a$b "c" #d'

/** A service as compose-go hands it to Docker. */
interface Service {
  image: string
  user: string
  read_only: boolean
  cap_drop: string[]
  cap_add?: string[]
  security_opt: string[]
  command: string[] | null
  entrypoint: string[] | null
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string; required: boolean }>
  devices?: { source: string; target: string }[]
  healthcheck?: { test: string[] }
  networks?: Record<string, object | null>
  network_mode?: string
  ports?: { mode: string; target: number; published: string; protocol: string }[]
  shm_size?: string
  tmpfs?: string[]
  ulimits?: Record<string, object>
  volumes: { type: string; source: string; target: string; read_only?: boolean }[]
}
interface Project {
  name: string
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean }>
  volumes: Record<string, object>
}

let desk: ClusterDesk
beforeAll(() => {
  desk = openClusterDesk()
})
afterAll(() => desk?.clear())

const out = (path = ''): string => join(desk.folder, 'out', path)

/** Deploys with everything there can be, and puts secrets beside it as an operator does. @returns what it printed */
async function deploy(tee: Tee): Promise<string> {
  const { stderr } = await desk.deploy({
    policy: POLICY,
    file: { app: { code: './app', command: ['node', 'server.mjs'], env: { GREETING: '$HOME ${X:-y}' } } },
    cluster: {
      tee,
      root: { source: 'tee', folder: '/var/lib/sotto/root' },
      secrets: { postgres: 'database' },
      addresses: {
        log: 'http://edge.example:8081',
        registry: 'http://edge.example:8082',
        relay: 'http://edge.example:8080',
        kms: 'http://kms.example',
        inference: 'https://enclave.example',
      },
    },
    words: ['--target', 'compose', '-o', 'out'],
  })
  desk.put('out/secrets/appendToken.env', `SOTTO_LOG_APPEND_TOKEN='${TOKEN}'\n`, 0o600)
  desk.put('out/secrets/postgres.env', 'SOTTO_KMS_DATABASE_URL=postgresql://sotto@db/kms\n', 0o600)
  return stderr
}

function ask(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(PEER!, words, { encoding: 'utf8', cwd: desk.folder })
}

function load(...profiles: string[]): Project {
  const { status, stdout, stderr } = ask(out('compose.yaml'), ...profiles)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return JSON.parse(stdout) as Project
}

describe.skipIf(PEER === undefined).each(TEES)(
  'the compose file of a deployment on %s, to compose-go',
  (tee) => {
    let printed: string
    beforeAll(async () => {
      printed = await deploy(tee)
    })

    it('is valid, and means the same whichever part of it is read', () => {
      const whole = load('all')
      expect(whole.name).toBe('notes')
      expect(Object.keys(whole.services).toSorted()).toEqual(
        [...Object.values(PROFILES).flat(), 'log-volume', 'registry-volume'].toSorted(),
      )
      expect(Object.keys(whole.volumes).toSorted()).toEqual(['kms-state', 'log-state', 'registry-state'])
      expect(whole.networks).toMatchObject({
        'relay-log': { internal: true },
        'registry-log': { internal: true },
      })
      for (const [profile, roles] of Object.entries(PROFILES)) {
        const { services } = load(profile)
        expect(
          Object.keys(services)
            .filter((name) => !name.endsWith('-volume'))
            .toSorted(),
        ).toEqual([...roles])
        for (const [name, service] of Object.entries(services)) expect(service).toEqual(whole.services[name])
      }
      expect(load().services).toEqual({})
    })

    it('is what the printed command starts, by that very command', () => {
      const docker = join(desk.folder, 'docker')
      writeFileSync(
        docker,
        `#!/bin/sh\n[ "$1 $2 $4 $6 $7" = 'compose -f --profile up -d' ] && exec '${PEER}' "$3" "$5"\nexit 9\n`,
      )
      chmodSync(docker, 0o755)
      const [command, ...others] = printedCommands(printed)
      expect(others).toEqual([])
      const { status, stdout } = spawnSync('sh', ['-c', command!], {
        cwd: desk.folder,
        env: { PATH: `${desk.folder}:${process.env['PATH']}` },
        encoding: 'utf8',
      })
      expect(status).toBe(0)
      expect(JSON.parse(stdout)).toEqual(load('edge'))
    })

    it('mounts what was rendered, and of this machine nothing else but where reports are asked for', () => {
      const { services } = load('all')
      for (const [name, { volumes }] of Object.entries(services)) {
        const binds = volumes.filter(({ type }) => type === 'bind')
        for (const { source, target, read_only: isReadOnly } of binds) {
          if (source === '/sys/kernel/config') {
            expect([name, tee]).toEqual([
              expect.stringMatching(/^(?:kms|inference)$/),
              expect.not.stringMatching('azure'),
            ])
            continue
          }
          expect([source.startsWith(out()), isReadOnly], `${name}: ${source}`).toEqual([true, true])
          if (target === '/etc/sotto/config.json') expect(source).toBe(out(`config/${name}.json`))
        }
        if (name.endsWith('-volume')) expect(binds).toEqual([])
        else expect(binds.map(({ target }) => target)).toContain('/etc/sotto/config.json')
      }
      const targets = services['inference']!.volumes.map(({ target }) => target)
      expect(targets).toContain('/var/lib/sotto-app')
      expect(services['registry']!.volumes.map(({ source }) => source)).toContain(out('owners'))
      const devices = tee === 'azure-cvm' ? [expect.objectContaining({ source: '/dev/tpmrm0' })] : undefined
      for (const name of ['kms', 'inference'] as const) expect(services[name]!.devices).toEqual(devices)
    })

    it('gives each service its secrets and no other, and its privileges and no more', () => {
      const { services } = load('all')
      const token = { SOTTO_LOG_APPEND_TOKEN: TOKEN }
      const database = { SOTTO_KMS_DATABASE_URL: 'postgresql://sotto@db/kms' }
      const environments = Object.entries(services).map(([name, { environment }]) => [
        name,
        environment ?? {},
      ])
      expect(Object.fromEntries(environments)).toEqual({
        log: token,
        registry: token,
        kms: { ...token, ...database },
        inference: {},
        relay: {},
        'log-volume': {},
        'registry-volume': {},
      })
      for (const [name, service] of Object.entries(services)) {
        expect(service.image, name).toMatch(/@sha256:[0-9a-f]{64}$/)
        expect([service.read_only, service.cap_drop], name).toEqual([true, ['ALL']])
        expect(service.security_opt, name).toContain('no-new-privileges:true')
        expect(service, name).not.toHaveProperty('privileged')
      }
      expect(services['inference']!.cap_add).toEqual(expect.arrayContaining(CAPABILITIES))
      expect(services['kms']!.cap_add).toBeUndefined()
      expect([services['log']!.user, services['kms']!.user]).toEqual(['65532:65532', '0:0'])
      expect(services['log']!.depends_on).toEqual({
        'log-volume': { condition: 'service_completed_successfully', required: true },
      })
    })

    it('has the ports of the addresses, the health and the memory that were asked for', () => {
      const { services } = load('all')
      const ports = Object.entries(services).flatMap(([name, { ports: own = [] }]) =>
        own.map(({ published, target, protocol }) => `${name} ${published}:${target}/${protocol}`),
      )
      expect(ports.toSorted()).toEqual([
        'inference 443:8080/tcp',
        'kms 80:8080/tcp',
        'log 8081:8080/tcp',
        'registry 8082:8080/tcp',
        'relay 8080:8080/tcp',
      ])
      for (const name of Object.values(PROFILES).flat()) {
        const folder = name === 'kms' || name === 'inference' ? name : 'edge'
        const { test } = services[name]!.healthcheck!
        expect(test.slice(0, 3)).toEqual(['CMD', `/opt/sotto/${folder}/bin/node`, '-e'])
        // What it executes is a program of Node, and nothing of it was taken for a variable.
        expect(test[3]).toBe(
          "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))",
        )
      }
      expect(services['inference']!.shm_size).toBe(String(8 * 2 ** 30))
      for (const name of ['log', 'registry', 'relay'])
        expect(services[name]!.command).toEqual([`${name}.js`, '--config', '/etc/sotto/config.json'])
      expect(services['kms']!.command ?? services['kms']!.entrypoint).toBeNull()
      // A limit of nothing: zeros are left out where it is printed.
      for (const name of Object.values(PROFILES).flat()) expect(services[name]!.ulimits).toEqual({ core: {} })
    })
  },
)

describe.skipIf(PEER === undefined)('compose-go refuses', () => {
  beforeAll(() => deploy('snp'))

  it('to start anything while a secret is missing', () => {
    rmSync(out('secrets/appendToken.env'))
    const { status, stderr } = ask(out('compose.yaml'), 'edge')
    expect([status, stderr]).toEqual([1, expect.stringContaining('secrets/appendToken.env')])
  })

  it('a member that it does not know, so that what it takes says something', () => {
    const text = readFileSync(out('compose.yaml'), 'utf8')
    for (const [member, wrong] of [
      ['read_only: true\n    depends_on', 'readonly'],
      ['cap_drop:', 'cap_drops'],
    ] as const) {
      expect(text).toContain(member)
      writeFileSync(out('wrong.yaml'), text.replace(member, member.replace(/^\w+/, wrong)))
      const { status, stderr } = ask(out('wrong.yaml'), 'all')
      expect([status, stderr]).toEqual([1, expect.stringContaining(`.${wrong} false schema`)])
    }
  })
})
