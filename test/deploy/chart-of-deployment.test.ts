import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownerKeyPem } from '@sotto/client/models'
import { crypto } from '@sotto/protocol/crypto-backend'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestStack, type TestStack, urlOf } from '../stack/support.ts'
import { createNetwork, type Party } from './chart/network.ts'
import { KUBERNETES, problems } from './chart/schemas.ts'
import {
  find,
  type Helm,
  isHelmMissing,
  type KubernetesObject,
  objectsOf,
  podsOf,
  type Ran,
  run,
  TOOLS,
} from './chart/tools.ts'
import { POLICY } from './chart/values.ts'
import {
  type ClusterDesk,
  openClusterDesk,
  printedCommands,
  type Tee,
  TEES,
  type WrittenDeployment,
} from './cluster-desk.ts'

const HELMS: readonly Helm[] = ['helm3', 'helm4']
const LABELS: Readonly<Record<Tee, string>> = {
  snp: 'feature.node.kubernetes.io/cpu-security.sev.snp.enabled',
  tdx: 'feature.node.kubernetes.io/cpu-security.tdx.enabled',
  'azure-cvm': 'kubernetes.azure.com/security-type',
}
/** What YAML, shells and templates would make something else of. */
const ODD = 'h\u00e9 <&> \u2028 \u{1f510} "quoted"\\ {{ .Release.Name }}'
const APP = { code: './app', command: ['node', 'server.mjs'], env: { GREETING: ODD } }

let desk: ClusterDesk
let stack: TestStack
let bin: string

/** Deployments by what they are of; `--output` is added. */
const DEPLOYMENTS: Readonly<Record<string, () => Omit<WrittenDeployment, 'words'> & { words?: string[] }>> = {
  'log and KMS, which come first': () => ({}),
  'roles without an app': () => ({ policy: POLICY }),
  'an app': () => ({ policy: POLICY, file: { app: APP } }),
  'a sealed app with a secret': () => ({
    policy: stack.policy,
    file: { app: { ...APP, sealed: true, secrets: { TOKEN: { env: 'NOTES_TOKEN' } } } },
    words: ['--kms', urlOf(stack, 'kms'), '--log', urlOf(stack, 'log')],
  }),
  'all that a file can say': () => ({
    policy: POLICY,
    file: {
      app: { ...APP, memory: '512MiB', port: 9000 },
      models: [`${'a'.repeat(24)}/notes:3`],
      aliases: { 'gpt-4o-mini': `${'a'.repeat(24)}/notes:3` },
      resources: { replicas: 3, cpu: 8, memory: '24GiB' },
      expires: '2098-12-31',
    },
    cluster: {
      kmsReplicas: 3,
      root: { source: 'tee', folder: '/var/lib/sotto/root' },
      secrets: { appendToken: 'token', postgres: 'database', relayTls: 'relay-certificate' },
      database: { cidr: '10.20.0.0/24', port: 5433 },
      namespace: 'ours',
      runtimeClass: 'kata',
    },
  }),
}

/** A deployment that was rendered, and what Helm made of it. */
interface Handed {
  output: string
  stdout: string
  stderr: string
  /** The one command that was printed. */
  command: string
  objects: KubernetesObject[]
}
const handed = new Map<string, Promise<Handed>>()

/** Deploys, once for all tests, and runs what is printed with the newest Helm, which renders and installs nothing. */
function hand(tee: Tee, name: string): Promise<Handed> {
  const known = handed.get(`${tee} ${name}`)
  if (known !== undefined) return known
  const made = (async (): Promise<Handed> => {
    // A place that a shell, and Helm, read otherwise than it is written.
    const output = join(desk.folder, `it's, "${tee}" of ${name}`)
    const { words = [], cluster, ...deployment } = DEPLOYMENTS[name]!()
    const { stdout, stderr } = await desk.deploy({
      ...deployment,
      cluster: { tee, ...cluster },
      words: ['--target', 'kubernetes', '-o', output, ...words],
    })
    const [command, ...others] = printedCommands(stderr)
    expect(others).toEqual([])
    const { code, stdout: text, stderr: said } = await helm('helm4', asked(command!, 'template'))
    expect(code, said).toBe(0)
    return { output, stdout, stderr, command: command!, objects: objectsOf(text) }
  })()
  handed.set(`${tee} ${name}`, made)
  return made
}

/** The printed command, that asks for something else than to install. */
function asked(command: string, verb: 'template' | 'install --dry-run=client'): string {
  expect(command).toMatch(/^helm upgrade --install notes /)
  return command.replace('upgrade --install', verb)
}

/** Runs a line in a shell that finds this Helm, where the deployment was made. */
function helm(which: Helm, line: string): Promise<Ran> {
  return run('sh', ['-c', `cd "$0" && ${line}`, desk.folder], {
    PATH: `${join(bin, which)}:${process.env['PATH']}`,
  })
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const componentOf = (role: string): string => (role === 'inference' ? 'enclave' : role)
const rolesOf = ({ output }: Handed): string[] =>
  readdirSync(join(output, 'config')).map((file) => file.replace(/\.json$/, ''))
const configOf = ({ output }: Handed, role: string): Buffer =>
  readFileSync(join(output, 'config', `${role}.json`))
const binaryOf = (objects: readonly KubernetesObject[], name: string): Record<string, string> =>
  find(objects, 'ConfigMap', name)['binaryData'] as Record<string, string>

const ALL = TEES.flatMap((tee) => Object.keys(DEPLOYMENTS).map((name): [Tee, string] => [tee, name]))

describe.skipIf(isHelmMissing)(
  'what sotto deploy --target kubernetes hands over',
  { timeout: 120_000 },
  () => {
    beforeAll(async () => {
      bin = mkdtempSync(join(tmpdir(), 'sotto-helm-'))
      for (const which of HELMS) {
        mkdirSync(join(bin, which))
        symlinkSync(join(TOOLS!, which), join(bin, which, 'helm'))
      }
      const owner = crypto.ed25519.generate()
      desk = openClusterDesk({ NOTES_TOKEN: 'hunter2' })
      desk.put('config/owner.key', ownerKeyPem(owner.seed), 0o600)
      stack = await startTestStack({ models: [], owner: owner.publicKey })
    })
    afterAll(async () => {
      await stack?.close()
      desk?.clear()
      rmSync(bin, { recursive: true })
    })

    it.each(ALL)('on %s, %s: is what the printed command says, to either Helm', async (tee, name) => {
      const { command, objects } = await hand(tee, name)
      expect(objects).not.toEqual([])
      const older = await helm('helm3', asked(command, 'template'))
      expect(older, older.stderr).toMatchObject({ code: 0 })
      expect(objectsOf(older.stdout)).toEqual(objects)
      const lint = command
        .replace('upgrade --install notes', 'lint --strict --quiet')
        .replace(' --create-namespace', '')
      for (const which of HELMS) {
        const { code, stdout, stderr } = await helm(which, lint)
        expect({ code, stdout: stdout.trim(), stderr }, which).toMatchObject({ code: 0, stdout: '' })
      }
    })

    it('is objects that every Kubernetes takes', async () => {
      const objects: KubernetesObject[] = []
      for (const [tee, name] of ALL) objects.push(...(await hand(tee, name)).objects)
      for (const version of KUBERNETES) expect(await problems(objects, version), version).toEqual([])
    })

    it.each(ALL)('on %s, %s: reaches the pods byte for byte', async (tee, name) => {
      const deployment = await hand(tee, name)
      const { objects, output, stdout } = deployment
      const roles = rolesOf(deployment)
      expect(roles).toHaveLength(name.startsWith('log and KMS') ? 2 : 5)
      for (const role of roles) {
        const bytes = configOf(deployment, role)
        const component = componentOf(role)
        const isMeasured = role === 'kms' || role === 'inference'
        const owner = objects.find(
          ({ kind, metadata }) => /Set|Deployment/.test(kind) && metadata.name === `notes-${component}`,
        )!
        const { template } = owner.spec as { template: { metadata: { annotations: object } } }
        expect(template.metadata.annotations).toMatchObject({ 'checksum/config': sha256(bytes) })
        if (isMeasured) expect(stdout).toMatch(new RegExp(`^  ${role} +${sha256(bytes)}$`, 'm'))
        if (isMeasured && tee === 'azure-cvm')
          expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).not.toContain(
            `ConfigMap notes-${component}`,
          )
        else
          expect(binaryOf(objects, `notes-${component}`)['config.json'], role).toBe(bytes.toString('base64'))
      }
      if (!roles.includes('relay')) return
      const policy = readFileSync(join(output, 'policy.json'))
      expect(binaryOf(objects, 'notes-policy')['policy.json']).toBe(policy.toString('base64'))
    })

    it.each(ALL)('on %s, %s: is found, and let through, at every address in it', async (tee, name) => {
      const deployment = await hand(tee, name)
      const { objects } = deployment
      const namespace = objects[0]!.metadata.namespace!
      const parties = podsOf(objects).map(({ component, labels }, index): Party => ({
        name: component,
        namespace,
        labels,
        ip: `10.0.0.${index + 1}`,
      }))
      const party = (component: string): Party => parties.find((one) => one.name === component)!
      const mayTalk = createNetwork(objects, namespace)
      const asked: string[] = []
      for (const role of rolesOf(deployment)) {
        const text = configOf(deployment, role).toString()
        for (const [, host, port] of text.matchAll(/http:\/\/(notes-[a-z0-9.-]+):(\d+)/g)) {
          const service = find(objects, 'Service', host!.split('.').at(-1)!)
          const { selector, ports } = service.spec as {
            selector: Record<string, string>
            ports: { port: number }[]
          }
          expect(ports, host).toContainEqual(expect.objectContaining({ port: Number(port) }))
          const to = selector['app.kubernetes.io/component']!
          expect(mayTalk(party(componentOf(role)), party(to), Number(port)), `${role} to ${to}`).toBe(true)
          asked.push(`${role} ${host}`)
        }
      }
      const replicas = name.startsWith('all')
        ? [0, 1, 2].map((index) => `inference notes-kms-${index}.notes-kms-pods`)
        : ['inference notes-kms']
      expect([...new Set(asked)].toSorted()).toEqual(
        (name.startsWith('log and KMS')
          ? ['kms notes-log']
          : [
              ...replicas,
              'inference notes-log',
              'inference notes-registry',
              'kms notes-log',
              'registry notes-log',
              'relay notes-enclave',
              'relay notes-log',
            ]
        ).toSorted(),
      )
    })

    it.each(ALL)('on %s, %s: takes from the namespace what was said, and nothing else', async (tee, name) => {
      const { objects, stderr } = await hand(tee, name)
      const taken = new Set<string>()
      JSON.stringify(objects, (key, value: unknown) => {
        if (key === 'volumeClaimTemplates') return undefined
        const { secretKeyRef, secretName, claimName } = (value ?? {}) as {
          secretKeyRef?: { name: string; key: string }
          secretName?: string
          claimName?: string
        }
        if (secretKeyRef) taken.add(`Secret ${secretKeyRef.name} ${secretKeyRef.key}`)
        if (secretName) taken.add(`Secret ${secretName} tls.crt`)
        if (claimName) taken.add(`PersistentVolumeClaim ${claimName} what`)
        return value
      })
      const said = [...stderr.matchAll(/^ {2}(Secret|PersistentVolumeClaim) (\S+): ([\w.]+)/gm)]
      expect(said.map(([, kind, object, first]) => `${kind} ${object} ${first}`).toSorted()).toEqual(
        [...taken].toSorted(),
      )
      expect(stderr).not.toContain('hunter2')
      expect(JSON.stringify(objects)).not.toContain('hunter2')
    })

    it.each(TEES)('on %s: runs where it was asked for, with the memory that was asked for', async (tee) => {
      const { objects } = await hand(tee, 'all that a file can say')
      expect(objects[0]!.metadata.namespace).toBe('ours')
      for (const { component, spec } of podsOf(objects)) {
        const isMeasured = component === 'kms' || component === 'enclave'
        expect(Object.keys(spec.nodeSelector ?? {}), component).toEqual(isMeasured ? [LABELS[tee]] : [])
        expect(spec.runtimeClassName, component).toBe(isMeasured ? 'kata' : undefined)
      }
      const memory = String(24 * 2 ** 30)
      const { spec } = podsOf(objects).find(({ component }) => component === 'enclave')!
      expect(spec.volumes).toContainEqual({ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: memory } })
      expect(spec.containers[0]).toMatchObject({ resources: { limits: { memory }, requests: { cpu: '8' } } })
      const scaled = { kms: 3, enclave: 3, relay: 1 }
      for (const { kind, metadata, spec: more } of objects)
        for (const [component, replicas] of Object.entries(scaled))
          if (/Set$|Deployment/.test(kind) && metadata.name === `notes-${component}`)
            expect(more).toMatchObject({ replicas })
    })

    it('says once it is installed what hardware has to report, as deploy did', async () => {
      const { command, stdout } = await hand('snp', 'a sealed app with a secret')
      const { stdout: notes, stderr } = await helm('helm4', asked(command, 'install --dry-run=client'))
      expect(notes, stderr).toContain('sotto verify https://relay.example --policy policy.json')
      const digests = [...stdout.matchAll(/^ {2}(?:kms|inference) +([0-9a-f]{64})$/gm)]
      expect(digests).toHaveLength(2)
      for (const [, digest] of digests) expect(notes).toContain(digest)
    })

    it('keeps the owners that an operator has written down', async () => {
      const words = ['--target', 'kubernetes', '-o', 'again']
      await desk.deploy({ policy: POLICY, words })
      const owners = '{"owners":[{"key":"mine"}]}\n'
      writeFileSync(join(desk.folder, 'again', 'owners', 'owners.json'), owners)
      const { stderr } = await desk.deploy({ policy: POLICY, words })
      const { stdout } = await helm('helm4', asked(printedCommands(stderr)[0]!, 'template'))
      expect(binaryOf(objectsOf(stdout), 'notes-registry-owners')['owners.json']).toBe(
        Buffer.from(owners).toString('base64'),
      )
    })
  },
)

describe('sotto deploy --target kubernetes, with or without Helm', () => {
  const withDesk = async (use: (own: ClusterDesk) => Promise<void>): Promise<void> => {
    const own = openClusterDesk()
    try {
      await use(own)
    } finally {
      own.clear()
    }
  }

  it('does with --apply what it prints without', () =>
    withDesk(async (own) => {
      own.put('bin/helm', `#!/bin/sh\nprintf '%s\\n' "$@" > '${own.folder}/told'\n`, 0o755)
      const env = { PATH: `${own.folder}/bin:/usr/bin:/bin` }
      const told = (): string => readFileSync(join(own.folder, 'told'), 'utf8')
      const words = ['--target', 'kubernetes', '-o', 'a, "b"']
      const { stderr } = await own.deploy({ policy: POLICY, words })
      await run('sh', ['-c', `cd "$0" && ${printedCommands(stderr)[0]}`, own.folder], env)
      const printed = told()
      expect(printed).toMatch(/^upgrade\n--install\nnotes\n\//)
      await own.deploy({ policy: POLICY, words: [...words, '--apply'], env })
      expect(told().replaceAll(`${own.folder}/`, '')).toBe(printed)
    }))

  it.each<[string, Omit<WrittenDeployment, 'words'>, RegExp]>([
    [
      'a database that no network policy would let be reached',
      { cluster: { secrets: { postgres: 'database' } } },
      /cluster\.database: \{ cidr:/,
    ],
    ['a name that leaves no room in labels', { file: { name: 'n'.repeat(44) } }, /at most 43 characters/],
  ])('refuses %s', (_what, deployment, why) =>
    withDesk(async (own) => {
      await expect(own.deploy({ ...deployment, words: ['--target', 'kubernetes'] })).rejects.toThrow(why)
    }),
  )

  it('says which rule is missing for a role that is elsewhere', () =>
    withDesk(async (own) => {
      const { stderr } = await own.deploy({
        policy: POLICY,
        cluster: { addresses: { registry: 'https://registry.example', relay: 'https://relay.example' } },
        words: ['--target', 'kubernetes'],
      })
      const rules = stderr.split('\n').filter((line) => line.includes('a rule'))
      expect(rules).toEqual([
        '  a rule that lets https://registry.example be reached: enclave.networkPolicy.extraEgress',
      ])
    }))
})
