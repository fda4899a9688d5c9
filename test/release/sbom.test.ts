import { expect, test } from 'vitest'
import type { Component } from '../../scripts/release/components.ts'
import { renderSbom } from '../../scripts/release/sbom.ts'
import { cyclonedxProblems } from './cyclonedx.ts'

const digest = '0123456789abcdef'.repeat(4)
const component = (change: Partial<Component> = {}): Component => ({
  name: 'hono',
  version: '4.0.0',
  licence: 'MIT',
  folder: 'node_modules/hono',
  tarball: 'ab'.repeat(64),
  files: [],
  ...change,
})
const components = [
  component(),
  component({ folder: 'node_modules/x/node_modules/hono' }),
  component({ name: '@noble/curves', folder: 'node_modules/@noble/curves', licence: 'MIT OR Apache-2.0' }),
  component({ name: 'odd', folder: 'node_modules/odd', licence: 'NOASSERTION' }),
  component({
    name: `@duckdb/node-bindings-linux-${process.arch}`,
    folder: `node_modules/@duckdb/node-bindings-linux-${process.arch}`,
  }),
  component({
    name: `node-linux-${process.arch}`,
    folder: `node_modules/node-linux-${process.arch}`,
    files: [{ path: 'bin/node', sha256: 'cd'.repeat(32) }],
  }),
]
type Sbom = Record<string, unknown> & {
  components: Record<string, unknown>[]
  dependencies: Record<string, unknown>[]
}
const render = (): Sbom =>
  JSON.parse(
    renderSbom(
      { role: 'kms', folder: '', entries: [], digest, metafile: { inputs: {}, outputs: {} } },
      components,
      '1.0.0',
    ),
  ) as Sbom

test('a bill of materials is what the schema of CycloneDX 1.6 asks for', () => {
  expect(cyclonedxProblems(render())).toEqual([])
})

test.each<[string, RegExp, (sbom: Sbom) => void]>([
  ['another format', /bomFormat/, (sbom) => void (sbom['bomFormat'] = 'SPDX')],
  ['no version of the format', /specVersion: missing/, (sbom) => void delete sbom['specVersion']],
  ['a version of zero', /version: no number/, (sbom) => void (sbom['version'] = 0)],
  ['a serial number that is no UUID', /serialNumber/, (sbom) => void (sbom['serialNumber'] = 'urn:uuid:1')],
  [
    'a component without a name',
    /components\[0\].name: missing/,
    (sbom) => void delete sbom.components[0]!['name'],
  ],
  [
    'a kind of component that there is not',
    /type: none of/,
    (sbom) => void (sbom.components[0]!['type'] = 'npm'),
  ],
  ['a member nobody knows', /sha: unknown/, (sbom) => void (sbom.components[0]!['sha'] = '1')],
  [
    'a digest of another length',
    /wrong length for SHA-512/,
    (sbom) => void (sbom.components[0]!['hashes'] = [{ alg: 'SHA-512', content: 'ab' }]),
  ],
  [
    'a licence that SPDX does not list',
    /license.id: none of/,
    (sbom) => void (sbom.components[0]!['licenses'] = [{ license: { id: 'Apache License 2' } }]),
  ],
  [
    'an expression beside a licence',
    /stands alone/,
    (sbom) => void (sbom.components[0]!['licenses'] = [{ expression: 'MIT' }, { license: { id: 'MIT' } }]),
  ],
  ['a reference that stands twice', /not unique/, (sbom) => void sbom.components.push(sbom.components[0]!)],
  ['a dependency on nothing', /names nothing/, (sbom) => void sbom.dependencies.push({ ref: 'other' })],
])('the check refuses %s', (_, problem, change) => {
  const sbom = render()
  change(sbom)
  expect(cyclonedxProblems(sbom).join()).toMatch(problem)
})
