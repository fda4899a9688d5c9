import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AciContainer,
  type AciImageFacts,
  type AciInput,
  compareAci,
  policyHash,
  renderAci,
  verifyAci,
} from '../../../src/deploy/aci/index.ts'
import { armText } from '../../../src/deploy/aci/template.ts'

const image = `example.azurecr.io/sotto/kms@sha256:${'ab'.repeat(32)}`
const facts: AciImageFacts = {
  layers: ['11'.repeat(32), '22'.repeat(32)],
  command: ['/opt/sotto/kms/bin/node', 'role.js', '--config', '/opt/sotto/kms/config.json'],
  imageEnv: ['PATH=/usr/bin', 'LANG=C.UTF-8'],
  workingDirectory: '/opt/sotto/kms',
}
const kms: AciContainer = {
  ...facts,
  name: 'kms',
  image,
  env: { LOG: '[not an expression]' },
  secretEnv: [{ name: 'PGPASSWORD', parameter: 'databasePassword' }],
  volumes: [{ name: 'store', path: '/var/lib/sotto' }],
  capabilities: ['CAP_SYS_ADMIN', 'CAP_CHOWN'],
  ports: [8080],
  cpu: 1,
  memoryGiB: 1.5,
}
const group: AciInput = {
  name: 'sotto-kms',
  region: 'westeurope',
  dnsLabel: 'sotto-kms',
  registry: { server: 'example.azurecr.io' },
  containers: [kms],
}
const images = new Map([[image, facts]])
const of = (change: Partial<AciContainer>): AciInput => ({ ...group, containers: [{ ...kms, ...change }] })

describe('the template of a confidential group', () => {
  it('is the one that is pinned', () => {
    const { template, policy, hostData } = renderAci(group)
    const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
    expect(policy).toBe(read('kms.rego'))
    expect(template).toBe(read('kms.template.txt'))
    expect(hostData).toBe(policyHash(policy))
    expect(hostData).toBe('8fd236d19b9530e5f56a0441e7dce7588a6c1df9cb726cb5efd3fb1892c6f004')
  })

  it('is the same for the same input, in whatever order its members stand', () => {
    const turned = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(turned)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([name, member]) => [name, turned(member)]),
            )
          : value
    expect(renderAci(turned(group) as AciInput)).toEqual(renderAci(group))
  })

  it('has no secret in it, and no expression but its parameters', () => {
    const { template, policy } = renderAci(group)
    const expressions = [...template.matchAll(/"\[(?!\[)[^"]*\]"/g)].map(([text]) => text)
    expect(expressions.toSorted()).toEqual([
      `"[parameters('databasePassword')]"`,
      `"[parameters('registryPassword')]"`,
      `"[parameters('registryUsername')]"`,
    ])
    expect(policy).toContain('"pattern":"^PGPASSWORD=.*$"')
  })

  it('takes every text as it is', () => {
    expect(armText("[parameters('x')]")).toBe("[[parameters('x')]")
    expect(armText('[[x]]')).toBe('[[[x]]')
    expect(armText('[half')).toBe('[half')
    expect(armText('half]')).toBe('half]')
  })

  it.each<[string, AciInput]>([
    ['an image without a digest', of({ image: 'example.azurecr.io/sotto/kms:1' })],
    ['an image with a tag too', of({ image: image.replace('@', ':1@') })],
    ['no layers', of({ layers: [] })],
    ['a layer that is no hash', of({ layers: ['sha256:11'] })],
    ['no command', of({ command: [] })],
    ['a NUL in an argument', of({ command: ['a', 'b\0c'] })],
    ['half a character in a value', of({ env: { A: '\ud800' } })],
    ['a name of a variable that is none', of({ env: { 'A=B': 'c' } })],
    ['a secret that chooses what runs', of({ secretEnv: [{ name: 'NODE_OPTIONS', parameter: 'x' }] })],
    ['a secret that is a pattern', of({ secretEnv: [{ name: '.*', parameter: 'x' }] })],
    ['a parameter that is an expression', of({ secretEnv: [{ name: 'A', parameter: "x')]" }] })],
    ['a capability that is none', of({ capabilities: ['ALL'] })],
    ['a mount that climbs', of({ volumes: [{ name: 'x', path: '/a/../b' }] })],
    ['a port twice', { ...group, containers: [kms, { ...kms, name: 'other' }] }],
    ['a name twice', { ...group, containers: [kms, { ...kms, ports: [] }] }],
    ['no containers', { ...group, containers: [] }],
    ['a public port that nobody listens on', { ...group, publicPorts: [1] }],
    ['a region that is an expression', { ...group, region: '[x]' }],
    ['no memory', of({ memoryGiB: 0 })],
  ])('is not made of %s', (_name, input) => {
    expect(() => renderAci(input)).toThrow(
      expect.objectContaining({ code: 'DEPLOY_TARGET', action: 'fix-input' }),
    )
  })

  it('keeps every argument and value apart from the policy around it (any text)', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((value) => !value.includes('\0') && value.isWellFormed())
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), text, (args, value) => {
        const { policy, template } = renderAci(of({ command: ['run', ...args], env: { A: value } }))
        // Rego's texts in quotes are JSON's, and a line holds all containers.
        const [line] = policy.split('\n').filter((each) => each.startsWith('containers := '))
        const [container] = JSON.parse(line!.slice('containers := '.length)) as AciContainer[]
        expect(container!.command).toEqual(['run', ...args])
        expect(policy.split('\n')).toHaveLength(renderAci(group).policy.split('\n').length)
        expect(
          verifyAci(template, { images, expected: of({ command: ['run', ...args], env: { A: value } }) }),
        ).toMatchObject({ differences: [] })
      }),
    )
  })
})

describe('a template that is verified', () => {
  const { template, hostData } = renderAci(group)
  type Changeable = {
    resources: {
      properties: {
        [name: string]: unknown
        containers: { properties: Record<string, unknown> }[]
        confidentialComputeProperties: { ccePolicy: string }
      }
    }[]
  }
  const changed = (change: (properties: Changeable['resources'][0]['properties']) => void): string => {
    const value = JSON.parse(template) as Changeable
    change(value.resources[0]!.properties)
    return JSON.stringify(value, undefined, 2) + '\n'
  }
  const placesOf = (text: string, expected: AciInput | null = group, known = images): string[] =>
    compareAci(text, { images: known, ...(expected && { expected }) }).differences.map(({ at }) => at)

  it('has the hash that hardware reports', () => {
    expect(verifyAci(template, { images, expected: group })).toEqual({ hostData, differences: [] })
    const plain = of({ env: {}, secretEnv: [] })
    expect(verifyAci(renderAci(plain).template, { images })).toMatchObject({ differences: [] })
  })

  it('is refused with the one argument that is another: expected and found', () => {
    const other = changed((properties) => {
      properties.containers[0]!.properties['command'] = [...facts.command.slice(0, 3), '/tmp/config.json']
    })
    expect(() => verifyAci(other, { images, expected: group })).toThrow(
      expect.objectContaining({
        code: 'DEPLOY_DIFFERS',
        action: 'stop',
        expected:
          'template.resources[sotto-kms].properties.containers[kms].properties.command[3]: /opt/sotto/kms/config.json',
        found: '/tmp/config.json',
      }),
    )
  })

  it.each<[string, Partial<AciContainer>, string[]]>([
    [
      'an argument',
      { command: [...facts.command.slice(0, 3), '/tmp/x'] },
      ['kms.command[3]', 'template.resources[sotto-kms].properties.containers[kms].properties.command[3]'],
    ],
    ['an argument more', { command: [...facts.command, '--inspect'] }, ['kms.command[4]']],
    ['a value', { env: { LOG: 'other' } }, ['kms.env_rules[1].pattern']],
    ['another user', { uid: 0 }, ['kms.user.user_idname.pattern']],
    ['a mount', { volumes: [{ name: 'store', path: '/opt/sotto' }] }, ['kms.mounts[0].destination']],
    ['a capability', { capabilities: [] }, ['kms.capabilities.bounding[0]']],
  ])(
    'with %s changed in template and policy alike is told from what was to be deployed',
    (_name, change, places) => {
      expect(placesOf(renderAci(of(change)).template)).toEqual(expect.arrayContaining(places))
    },
  )

  it('is compared with the image even without what was to be deployed', () => {
    const other = renderAci(of({ env: {}, secretEnv: [], command: ['/bin/sh'] })).template
    expect(placesOf(other, null)).toContain('kms.command[0]')
    expect(placesOf(renderAci(of({ secretEnv: [] })).template, null)).toContain('kms.env_rules[1].pattern')
  })

  it('has the layers of its images, whatever its policy says', () => {
    const layers = [facts.layers[0]!, '33'.repeat(32)]
    expect(placesOf(renderAci(of({ layers })).template)).toEqual(['kms.layers[1]'])
    expect(placesOf(template, of({ layers }))).toEqual(['kms.layers[1]'])
    expect(() => compareAci(template, { images: new Map() })).toThrow(
      expect.objectContaining({ code: 'DEPLOY_DIFFERS', found: image }),
    )
  })

  it.each<[string, (policy: string) => string, string]>([
    [
      'a flag',
      (policy) => policy.replace('allow_dump_stacks := false', 'allow_dump_stacks := true'),
      'policy',
    ],
    ['a fragment', (policy) => policy.replace('fragments := []', 'fragments := [{"feed":"x"}]'), 'policy'],
    ['a rule of its own', (policy) => `${policy}\ncreate_container := {"allowed": true}`, 'policy'],
    ['another framework', (policy) => policy.replace('"0.2.3"', '"0.1.0"'), 'policy'],
    [
      'output',
      (policy) => policy.replace('"allow_stdio_access":false', '"allow_stdio_access":true'),
      'kms.allow_stdio_access',
    ],
    [
      'a shell',
      (policy) =>
        policy.replace('"exec_processes":[]', '"exec_processes":[{"command":["/bin/sh"],"signals":[]}]'),
      'kms.exec_processes[0]',
    ],
    [
      'a container more',
      (policy) => policy.replace('containers := [{', 'containers := [{"command":["/bin/sh"]},{'),
      '0.command[0]',
    ],
    ['white space', (policy) => `${policy}\n`, 'policy'],
    [
      'a name twice',
      (policy) => policy.replace('"allow_elevated":false', '"allow_elevated":true,"allow_elevated":false'),
      'policy',
    ],
  ])('is refused for %s in its policy alone', (_name, change, place) => {
    const other = changed((properties) => {
      const { ccePolicy } = properties.confidentialComputeProperties
      const policy = change(Buffer.from(ccePolicy, 'base64').toString())
      properties.confidentialComputeProperties = { ccePolicy: Buffer.from(policy).toString('base64') }
    })
    expect(other).not.toBe(template)
    const places = placesOf(other)
    expect(places.join()).toContain(place === '0.command[0]' ? 'command[0]' : place)
    expect(() => verifyAci(other, { images, expected: group })).toThrow(
      expect.objectContaining({ code: 'DEPLOY_DIFFERS' }),
    )
  })

  it('is refused for what only the template says', () => {
    expect(placesOf(changed((properties) => (properties['sku'] = 'Standard')))).toEqual([
      'template.resources[sotto-kms].properties.sku',
    ])
    expect(placesOf(changed((properties) => (properties['initContainers'] = [])))).toEqual([
      'template.resources[sotto-kms].properties.initContainers',
    ])
  })

  it.each([
    '',
    '{}',
    'null',
    '[]',
    '{"resources":[]}',
    '{"resources":[{"type":"Microsoft.Compute/virtualMachines"}]}',
    template.replace('"name": "sotto-kms"', '"name": 7'),
    template.replace('"value": "[[not an expression]"', `"value": "[parameters('registryPassword')]"`),
    template.replace(`"[parameters('databasePassword')]"`, '"in clear"'),
    template.replace('"sku"', '"sku": 1, "sku"'),
    template.replace(/"ccePolicy": "[^"]*"/, '"ccePolicy": "!"'),
    template.replace('"westeurope"', '"[x]"'),
    'x'.repeat(2 ** 21),
  ])('that is none is refused (%#)', (text) => {
    expect(text).not.toBe(template)
    expect(() => verifyAci(text, { images, expected: group })).toThrow(
      expect.objectContaining({ code: 'DEPLOY_DIFFERS', action: 'stop' }),
    )
  })
})
