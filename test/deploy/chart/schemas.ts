import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type KubernetesObject, run, TOOLS } from './tools.ts'

/** The oldest version that the chart takes, one between, and the newest there is. */
export const KUBERNETES = ['1.30', '1.34', '1.37'] as const

/** Modules that validate objects which are no part of Kubernetes itself. */
const CUSTOM: Readonly<Record<string, string>> = {
  HTTPRoute: '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute.js',
  ServiceMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor.js',
}

type Validated = new (object: object) => { validate(): void }

/** What is wrong with objects by the schemas of one version of Kubernetes, where unknown members are wrong. */
export async function problems(objects: readonly KubernetesObject[], version: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-schemas-'))
  try {
    const own = objects.filter(({ kind }) => !Object.hasOwn(CUSTOM, kind))
    const files = own.map((object, index) => {
      const file = join(folder, `${index}.json`)
      writeFileSync(file, JSON.stringify(object))
      return file
    })
    const words = ['-m', 'kubernetes_validate', '--strict', '--quiet', '-k', version, ...files]
    const ran =
      files.length === 0 ? undefined : await run('python3', words, { PYTHONPATH: join(TOOLS!, 'python') })
    const said = `${ran?.stdout ?? ''}${ran?.stderr ?? ''}`.split('\n').filter(Boolean)
    return [...said, ...(await customProblems(objects))]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function customProblems(objects: readonly KubernetesObject[]): Promise<string[]> {
  const found: string[] = []
  for (const object of objects) {
    const module = CUSTOM[object.kind]
    if (module === undefined) continue
    const url = pathToFileURL(join(TOOLS!, 'custom/node_modules', module)).href
    const loaded = (await import(/* @vite-ignore */ url)) as Record<string, Validated>
    try {
      new loaded[object.kind]!(object).validate()
    } catch (error) {
      found.push(`${object.kind} ${object.metadata.name}: ${String(error)}`)
    }
  }
  return found
}
