import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import { createCustodianFile, openCustodianFile } from '@sotto/protocol/custody'
import { createWorld } from '@sotto/testkit'
import { parseTrustPolicy } from '@sotto/verifier'
import { describe, expect, it } from 'vitest'
import { renderKubernetes } from '../../packages/cli/src/deploy/cluster/kubernetes.ts'
import { planCluster, ROLE_PORT } from '../../packages/cli/src/deploy/cluster/plan.ts'
import {
  CLUSTER_ROLES,
  type ClusterSection,
  type DeploymentFile,
  parseDeploymentFile,
} from '../../packages/cli/src/deploy/file/index.ts'
import { parsePlainYaml } from '../../packages/cli/src/deploy/file/yaml.ts'
import { localDataUse } from '../../packages/cli/src/stack/documents.ts'
import { CLUSTER, publicKey } from '../../packages/cli/test/deploy/documents.ts'
import { decodeConfig } from '../deploy/decode-config.ts'
import { parsePage } from '../../scripts/docs/markdown.ts'

const PAGE = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/deploy.md'), 'utf8')
const [whole, cluster, ...others] = parsePage(PAGE)
  .tokens.filter(({ type, info }) => type === 'fence' && info === 'yaml')
  .map(({ content }: { content: string }) => content)

/** A text of the page with something real for each `…`, by what stands before it. */
function filled(text: string): string {
  const ofMember = (name: string): string => toBase64Url(publicKey(name))
  const ofCustodian = (): string => openCustodianFile(createCustodianFile()).key
  return text
    .replaceAll('@sha256:…', `@sha256:${'ab'.repeat(32)}`)
    .replace('log.example/1+…', CLUSTER.log.key)
    .replace('witness.example+…', CLUSTER.log.witnesses[0]!.key)
    .replaceAll(/(?<=key: )…/g, ofCustodian)
    .replaceAll(/\b(\w+): …/g, (_, name: string) => `${name}: ${ofMember(name)}`)
    .replace('[ … ]', `[ ${ofMember('release')} ]`)
}

const parse = (text: string): DeploymentFile => parseDeploymentFile(filled(text), '/notes/sotto.yaml')
const parseCluster = (): DeploymentFile & { cluster: ClusterSection } =>
  parse(`name: notes\n${cluster}`) as DeploymentFile & { cluster: ClusterSection }

/** Members that a decoded object has, and the page's does not. */
function missing(decoded: object, written: unknown): string[] {
  return Object.keys(decoded).filter((name) => !Object.hasOwn(written as object, name))
}

describe('docs/deploy.md', () => {
  it('has a file that is accepted as it stands, with every member', () => {
    expect(others).toEqual([])
    const { path: _, expiresAt, cluster: section, ...decoded } = parse(whole!)
    const written = parsePlainYaml(whole!) as Record<string, object>
    expect(missing(decoded, written)).toEqual([])
    for (const name of ['app', 'resources'] as const)
      expect(missing(decoded[name]!, written[name])).toEqual([])
    expect(missing(decoded.app!.health, (written['app'] as { health: object }).health)).toEqual([])
    // A day, which counts to its end.
    expect(expiresAt).toBe(Date.UTC(2027, 1, 1) / 1000 - 1)
    expect([section, whole]).toEqual([undefined, expect.stringContaining('\n# cluster:')])
  })

  it('has a cluster that is accepted, planned for Kubernetes, and read by every role', async () => {
    const policy = parseTrustPolicy((await createWorld()).policy)
    const file = parseCluster()
    const plan = planCluster({
      file,
      policy,
      dataUse: localDataUse(undefined),
      app: undefined,
      reach: (role) => `http://${file.name}-${role}:${ROLE_PORT}`,
    })
    expect(plan.waitsFor).toEqual([])
    expect(plan.roles.map(({ name }) => name)).toEqual([...CLUSTER_ROLES])
    for (const { name, config } of plan.roles) decodeConfig(name, config)
    expect(renderKubernetes(plan).map(({ path }) => path)).toContain('values.yaml')
  })

  it('lists every member of a cluster, and none that there is not', () => {
    const rows = new Map(
      [...PAGE.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, name, rest]) => [name!, rest!]),
    )
    for (const target of ['compose', 'kubernetes', 'aci']) rows.delete(target)
    const section = parseCluster().cluster
    expect([...rows.keys()].sort()).toEqual(Object.keys(section).sort())
    const inside: Partial<Record<keyof ClusterSection, readonly string[]>> = {
      images: Object.keys(section.images),
      log: [...Object.keys(section.log), ...Object.keys(section.log.witnesses[0]!)],
      secrets: Object.keys(section.secrets),
      database: Object.keys(section.database!),
      addresses: CLUSTER_ROLES,
    }
    for (const [name, members] of Object.entries(inside))
      for (const member of members) expect(rows.get(name), name).toMatch(new RegExp(`\`${member}[\`:]`))
  })
})
