import { BlockList, isIPv6 } from 'node:net'
import type { KubernetesObject } from './tools.ts'

/** Somebody on a network: a pod where it has labels, else a machine outside. */
export interface Party {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ip: string
}

interface Selector {
  matchLabels?: Record<string, string>
  matchExpressions?: unknown[]
}

interface Peer {
  podSelector?: Selector
  namespaceSelector?: Selector
  ipBlock?: { cidr: string; except?: string[] }
}

interface Rule {
  from?: Peer[]
  to?: Peer[]
  ports?: { protocol: string; port: number }[]
}

interface Policy {
  podSelector: Selector
  policyTypes: string[]
  ingress?: Rule[]
  egress?: Rule[]
}

/** Whether network policies let a connection through: both ends have to, as the API of Kubernetes says. */
export function createNetwork(
  objects: readonly KubernetesObject[],
  namespace: string,
): (from: Party, to: Party, port: number, protocol?: string) => boolean {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy)
  const selecting = (party: Party, type: string): Policy[] =>
    party.labels === undefined || party.namespace !== namespace
      ? []
      : policies.filter(
          (policy) => policy.policyTypes.includes(type) && matches(policy.podSelector, party.labels!),
        )
  return (from, to, port, protocol = 'TCP') => {
    const out = selecting(from, 'Egress')
    const into = selecting(to, 'Ingress')
    const passes = (rule: Rule, peers: Peer[] | undefined, other: Party): boolean =>
      (rule.ports === undefined ||
        rule.ports.some((one) => one.port === port && one.protocol === protocol)) &&
      (peers === undefined || peers.length === 0 || peers.some((peer) => isPeer(peer, other, namespace)))
    return (
      (out.length === 0 ||
        out.some(({ egress = [] }) => (egress ?? []).some((rule) => passes(rule, rule.to, to)))) &&
      (into.length === 0 ||
        into.some(({ ingress = [] }) => (ingress ?? []).some((rule) => passes(rule, rule.from, from))))
    )
  }
}

function isPeer(peer: Peer, party: Party, ownNamespace: string): boolean {
  if (peer.ipBlock !== undefined) {
    const { cidr, except = [] } = peer.ipBlock
    return isInside(party.ip, cidr) && !except.some((range) => isInside(party.ip, range))
  }
  if (party.labels === undefined) return false
  const isThere =
    peer.namespaceSelector === undefined
      ? party.namespace === ownNamespace
      : matches(peer.namespaceSelector, { 'kubernetes.io/metadata.name': party.namespace! })
  return isThere && (peer.podSelector === undefined || matches(peer.podSelector, party.labels))
}

function matches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  if (selector.matchExpressions !== undefined) throw new Error('this evaluator knows no expressions')
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
}

function isInside(ip: string, cidr: string): boolean {
  const [address, bits] = cidr.split('/')
  if (isIPv6(address!) !== isIPv6(ip)) return false
  const list = new BlockList()
  const family = isIPv6(ip) ? 'ipv6' : 'ipv4'
  list.addSubnet(address!, Number(bits), family)
  return list.check(ip, family)
}
