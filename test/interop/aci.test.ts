import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type AciContainer, type AciInput, renderAci } from '../../packages/cli/src/deploy/aci/index.ts'
import { fixedEnv } from '../../packages/cli/src/deploy/aci/policy.ts'
import { hashLayer } from '../../packages/cli/src/oci/verity/index.ts'
import { randomLayer } from '../../packages/cli/test/oci/support/random-layer.ts'
import { writeTar } from '../../packages/protocol/test/oci/support/tar-writer.ts'

/** `go build` of test/interop/aci-peer, and folders `pkg/securitypolicy` of hcsshim, with colons between. */
const PEER = process.env['SOTTO_ACI_PEER']
const FRAMEWORKS = (process.env['SOTTO_HCSSHIM_POLICY'] ?? '').split(':').filter((folder) => folder !== '')
if (PEER === undefined)
  process.stderr.write(
    'skipped: SOTTO_ACI_PEER names no build of test/interop/aci-peer: ACI is proven by our own tests only\n',
  )
else if (FRAMEWORKS.length === 0)
  process.stderr.write('skipped: SOTTO_HCSSHIM_POLICY names no policy framework of hcsshim\n')

const LAYERS = Number(process.env['SOTTO_ACI_LAYERS'] ?? 300)

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

describe.skipIf(PEER === undefined)('layers, as hcsshim makes devices of them', () => {
  it('have the same root hash, or none on either side', { timeout: 120_000 }, async () => {
    const layers = [
      writeTar([]),
      // More inodes than one group has, and folders of many blocks.
      writeTar(
        Array.from({ length: 40_000 }, (_, index) => ({
          path: `d${index % 7}/${'n'.repeat(index % 200)}${index}`,
        })),
      ),
      // More blocks than one group, and more than one extent.
      writeTar([{ path: 'large', content: randomBytes(140 * 2 ** 20) }]),
      ...Array.from({ length: LAYERS }, () => writeTar(randomLayer(randomInt))),
    ]
    const input = layers.flatMap((layer) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(layer.length)
      return [length, layer]
    })
    const { stdout, status } = spawnSync(PEER!, ['layers'], {
      input: Buffer.concat(input),
      maxBuffer: 2 ** 28,
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    const theirs = stdout.trim().split('\n')
    expect(theirs).toHaveLength(layers.length)
    let same = 0
    for (const [index, layer] of layers.entries()) {
      const ours = await hashLayer(one(layer)).catch((error: { code?: string }) => error.code)
      if (ours === theirs[index]) same++
      // Refusing more is allowed; another hash never is.
      else expect(ours, `layer ${index}: ${theirs[index]}`).toMatch(/^IMAGE_/)
    }
    expect(same).toBeGreaterThan(layers.length / 3)
  })
})

const image = `example.azurecr.io/sotto/kms@sha256:${'ab'.repeat(32)}`
const kms: AciContainer = {
  name: 'kms',
  image,
  layers: ['11'.repeat(32), '22'.repeat(32), '33'.repeat(32)],
  command: ['/opt/sotto/kms/bin/node', 'role.js', '--config', '/opt/sotto/kms/config.json'],
  workingDirectory: '/opt/sotto/kms',
  imageEnv: ['PATH=/usr/bin', 'LANG=C.UTF-8'],
  env: { GREETING: 'say "hi" \\ = é' },
  secretEnv: [{ name: 'PGPASSWORD', parameter: 'databasePassword' }],
  volumes: [{ name: 'store', path: '/var/lib/sotto' }],
  ports: [8080],
  cpu: 1,
  memoryGiB: 1.5,
}
const group: AciInput = { name: 'sotto-kms', region: 'westeurope', dnsLabel: 'sotto-kms', containers: [kms] }
const SANDBOX = `/run/gcs/c/${'ab'.repeat(32)}/sandboxMounts`
const bind = (destination: string, source: string): object => ({
  destination,
  source: `${SANDBOX}${source}`,
  type: 'bind',
  options: ['rbind', 'rshared', 'rw'],
})

/** What the host has to ask for. */
const right = {
  policy: renderAci(group).policy,
  layers: kms.layers,
  command: kms.command,
  env: [...[...fixedEnv(kms)].map(([name, value]) => `${name}=${value}`), 'PGPASSWORD=x', 'TERM=xterm'],
  workingDir: kms.workingDirectory,
  mounts: [
    bind('/etc/resolv.conf', '/tmp/atlas/resolvconf/abc'),
    bind('/var/lib/sotto', '/tmp/atlas/emptydir/store'),
  ],
  noNewPrivileges: true,
  user: '65532',
  group: '65532',
  capabilities: [],
}

describe.each(FRAMEWORKS)('the policy of a group, as the framework in %s enforces it', (framework) => {
  const ask = (
    ...requests: object[]
  ): { allowed: boolean; step: string; env: string[]; stdio: boolean; reason: unknown }[] => {
    const { stdout, stderr } = spawnSync(PEER!, ['policies', framework], {
      input: requests.map((request) => JSON.stringify(request)).join('\n'),
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ReturnType<typeof ask>[number])
  }

  it('lets the container start, without output, and be stopped', () => {
    const [answer] = ask({ ...right, signal: 15 })
    expect(answer).toMatchObject({ allowed: true, stdio: false })
    expect(answer!.env.toSorted()).toEqual(right.env.toSorted())
  })

  it('lets Microsoft\u2019s pause start', () => {
    const [answer] = ask({
      policy: right.policy,
      layers: ['16b514057a06ad665f92c02863aca074fd5976c755d26bff16365299169e8415'],
      command: ['/pause'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      workingDir: '/',
      mounts: [],
      user: '0',
      group: '0',
      capabilities: [
        'CAP_CHOWN',
        'CAP_DAC_OVERRIDE',
        'CAP_FSETID',
        'CAP_FOWNER',
        'CAP_MKNOD',
        'CAP_NET_RAW',
        'CAP_SETGID',
        'CAP_SETUID',
        'CAP_SETFCAP',
        'CAP_SETPCAP',
        'CAP_NET_BIND_SERVICE',
        'CAP_SYS_CHROOT',
        'CAP_KILL',
        'CAP_AUDIT_WRITE',
      ],
    })
    expect(answer).toMatchObject({ allowed: true, stdio: false })
  })

  it('drops what the platform adds to the environment, and capabilities', () => {
    const [answer] = ask({
      ...right,
      env: [...right.env, 'NODE_OPTIONS=--require /tmp/x.js', 'Fabric_NET-0=x', 'X=1 PGPASSWORD=2'],
      capabilities: ['CAP_SYS_ADMIN'],
    })
    expect(answer).toMatchObject({ allowed: true })
    expect(answer!.env.toSorted()).toEqual(right.env.toSorted())
  })

  it.each([
    ['an argument', { command: [...right.command.slice(0, 3), '/tmp/config.json'] }, 'create_container'],
    ['one argument more', { command: [...right.command, '--inspect'] }, 'create_container'],
    ['another order of layers', { layers: right.layers.toReversed() }, 'mount_overlay'],
    ['a layer less', { layers: right.layers.slice(1) }, 'mount_overlay'],
    ['an unknown layer', { layers: [...right.layers.slice(0, 2), '44'.repeat(32)] }, 'mount_device'],
    [
      'a value',
      { env: right.env.map((entry) => entry.replace('LANG=C.UTF-8', 'LANG=C')) },
      'create_container',
    ],
    ['a variable that is missing', { env: right.env.slice(1) }, 'create_container'],
    [
      'a secret that is missing',
      { env: right.env.filter((entry) => !entry.startsWith('PG')) },
      'create_container',
    ],
    [
      'a mount more',
      { mounts: [...right.mounts, bind('/opt/sotto/kms', '/tmp/atlas/emptydir/x')] },
      'create_container',
    ],
    ['the source of a mount', { mounts: [bind('/etc/resolv.conf', '/tmp/evil')] }, 'create_container'],
    ['another user', { user: '0' }, 'create_container'],
    ['another group', { group: '0' }, 'create_container'],
    ['a privileged container', { privileged: true }, 'create_container'],
    ['new privileges', { noNewPrivileges: false }, 'create_container'],
    ['another working directory', { workingDir: '/tmp' }, 'create_container'],
    ['a shell in the container', { exec: ['/bin/sh'] }, 'exec_in_container'],
    ['another signal', { signal: 10 }, 'signal_container_process'],
  ])('refuses %s', (_name, change, step) => {
    expect(ask({ ...right, ...change })).toMatchObject([{ allowed: false, step }])
  })
})
