import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** Folder that `node scripts/helm.ts` prints. */
export const TOOLS: string | undefined = process.env['SOTTO_HELM_TOOLS']
/** Whether there is no Helm here; says so where a test asks. */
export const isHelmMissing: boolean = TOOLS === undefined
if (isHelmMissing)
  process.stderr.write(
    'skipped: the chart is tested with Helm (set SOTTO_HELM_TOOLS to what scripts/helm.ts prints)\n',
  )

export const CHART: string = resolve(import.meta.dirname, '../../../charts/sotto')

/** Which of the programs. */
export type Helm = 'helm3' | 'helm4'

/** What a program did. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export function run(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((done) => {
    const options = { env: { PATH: process.env['PATH'], HOME: tmpdir(), ...env }, maxBuffer: 2 ** 26 }
    execFile(program, words, options, (error, stdout, stderr) => {
      const { code } = (error ?? { code: 0 }) as { code?: unknown }
      done({ code: typeof code === 'number' ? code : 1, stdout, stderr })
    })
  })
}

/** An object of Kubernetes, as far as tests look at every kind alike. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  spec?: unknown
  [member: string]: unknown
}

/** How to render. */
export interface RenderOptions {
  helm?: Helm
  /** Name of the release. Default `town`. */
  release?: string
  /** Values by path, whose text is what a file holds: `--set-file`. */
  files?: Readonly<Record<string, string | Uint8Array>>
  env?: Readonly<Record<string, string>>
  /** Writes values with whatever characters they have, as who writes YAML without care does. */
  isRaw?: boolean
  /** More words for Helm. */
  words?: readonly string[]
}

/** JSON as YAML in ASCII, which means the same to every parser. Of surrogates that of Go knows nothing. */
export function toAscii(json: string): string {
  return json.replaceAll(/[^ -~]/gu, (character) => {
    const digits = character.codePointAt(0)!.toString(16)
    return digits.length > 4 ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
  })
}

/** `helm template` of values. */
export async function template(values: object, options: RenderOptions = {}): Promise<Ran> {
  const words = ['template', options.release ?? 'town', CHART, '--namespace', 'sotto']
  return withValues(values, options, (files) =>
    run(join(TOOLS!, options.helm ?? 'helm4'), [...words, ...files, ...(options.words ?? [])], options.env),
  )
}

/** What people read once a release with these values is installed. */
export async function notes(values: object): Promise<string> {
  const words = ['install', 'town', CHART, '--namespace', 'sotto', '--dry-run=client']
  const { stdout } = await withValues(values, {}, (files) => run(join(TOOLS!, 'helm4'), [...words, ...files]))
  return stdout.slice(stdout.indexOf('NOTES:'))
}

/** Writes values to files, and tells the words that name these. */
async function withValues(
  values: object,
  options: RenderOptions,
  use: (words: string[]) => Promise<Ran>,
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-chart-'))
  try {
    const text = JSON.stringify(values)
    // Helm 4 drops a last line that does not end, when it is of certain lengths.
    writeFileSync(join(folder, 'values.yaml'), `${options.isRaw ? text : toAscii(text)}\n`)
    const files = Object.entries(options.files ?? {}).flatMap(([path, content], index) => {
      writeFileSync(join(folder, `${index}`), content)
      return ['--set-file', `${path}=${join(folder, `${index}`)}`]
    })
    return await use(['-f', join(folder, 'values.yaml'), ...files])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What Helm renders of values. @throws with what Helm said */
export async function render(values: object, options: RenderOptions = {}): Promise<KubernetesObject[]> {
  const { code, stdout, stderr } = await template(values, options)
  if (code !== 0) throw new Error(stderr)
  return objectsOf(stdout)
}

/** The objects of what `helm template` printed. */
export function objectsOf(text: string): KubernetesObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0]!
    return document.toJS() === null ? [] : [document.toJS() as KubernetesObject]
  })
}

/** Why Helm refuses values; empty where it does not. */
export async function refusal(values: object, options: RenderOptions = {}): Promise<string> {
  const { code, stderr } = await template(values, options)
  return code === 0 ? '' : stderr
}

/** The one object of a kind and a name. */
export function find(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name)
  if (found.length !== 1) throw new Error(`expected one ${kind} ${name}, found ${found.length}`)
  return found[0]!
}

/** A pod's template, as far as tests look. */
export interface PodSpec {
  runtimeClassName?: string
  nodeSelector?: Record<string, string>
  tolerations?: { key: string; operator: string }[]
  automountServiceAccountToken: boolean
  enableServiceLinks: boolean
  terminationGracePeriodSeconds?: number
  securityContext: Record<string, unknown>
  initContainers?: Container[]
  containers: Container[]
  volumes: Record<string, unknown>[]
}

/** A container of it. */
export interface Container {
  name: string
  image: string
  command: string[]
  args: string[]
  env?: { name: string; value?: string; valueFrom?: Record<string, unknown> }[]
  securityContext: {
    allowPrivilegeEscalation: boolean
    readOnlyRootFilesystem: boolean
    capabilities: { drop: string[]; add?: string[] }
  }
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[]
}

/** A pod that Helm rendered, whoever makes it. */
export interface RenderedPod {
  /** `app.kubernetes.io/component` */
  component: string
  labels: Record<string, string>
  spec: PodSpec
}

/** Every pod that would run. */
export function podsOf(objects: readonly KubernetesObject[]): RenderedPod[] {
  return objects.flatMap((object) => {
    if (object.kind === 'Pod') return [podOf(object.metadata.labels!, object.spec as PodSpec)]
    const { template: made } = (object.spec ?? {}) as {
      template?: { metadata: { labels: Record<string, string> }; spec: PodSpec }
    }
    return made === undefined ? [] : [podOf(made.metadata.labels, made.spec)]
  })
}

function podOf(labels: Record<string, string>, spec: PodSpec): RenderedPod {
  return { component: labels['app.kubernetes.io/component']!, labels, spec }
}
