/** One line of the side menu. */
export interface Entry {
  /** The page's markdown: a path in the repository, or the name of a generated page. */
  readonly file: string
  /** Left out: the title of the page. */
  readonly label?: string
  /** May be missing. */
  readonly isOptional?: boolean
}

/** Pages for one kind of reader, in the order in which they are read. */
export interface Section {
  readonly title: string
  readonly entries: readonly Entry[]
}

const page = (file: string, label?: string): Entry => ({ file, ...(label !== undefined && { label }) })

/** The side menu, but for generated pages of reference. Previous and next follow it. */
export const MENU: readonly Section[] = [
  {
    title: 'Start',
    entries: [page('docs/index.md', 'Overview'), page('docs/quickstart.md'), page('docs/faq.md', 'FAQ')],
  },
  {
    title: 'Concepts',
    entries: [
      page('docs/concepts/chain-of-trust.md'),
      page('docs/concepts/attestation.md'),
      page('docs/concepts/encryption.md'),
      page('docs/concepts/witnessed-log.md'),
      page('docs/concepts/receipts.md'),
      page('docs/concepts/unlinkable-tokens.md'),
      page('docs/concepts/sealed-models.md'),
      page('docs/threat-model.md'),
    ],
  },
  {
    title: 'App developers',
    entries: [
      page('docs/guides/client.md', 'Guide'),
      page('docs/proxy.md', 'Proxy for OpenAI programs'),
      page('docs/live.md'),
      page('docs/tensors.md', 'Any ONNX model'),
      { file: 'docs/console.md', isOptional: true },
      { file: 'docs/terminal.md', isOptional: true },
      page('examples/faces/README.md', 'Example: faces'),
      page('examples/chat/README.md', 'Example: a chat service'),
      page('examples/summary/README.md', 'Example: a summary page'),
      page('docs/compat-azure.md', 'Clients of attested OHTTP'),
    ],
  },
  {
    title: 'Model owners',
    entries: [page('docs/guides/model-owner.md', 'Guide'), page('docs/models.md')],
  },
  {
    title: 'Parties of clean rooms',
    entries: [
      page('docs/rooms.md'),
      { file: 'examples/rooms/README.md', label: 'Examples', isOptional: true },
      page('docs/training.md'),
      { file: 'examples/training/README.md', label: 'Examples: training', isOptional: true },
    ],
  },
  {
    title: 'Operators',
    entries: [
      page('docs/guides/operator.md', 'Guide'),
      page('docs/deploy.md'),
      page('docs/apps.md', 'Own apps'),
      page('docs/images.md', 'Container images'),
      page('docs/kubernetes.md'),
      page('docs/aci.md', 'Azure Container Instances'),
      page('docs/hardware.md', 'Confidential hardware'),
      page('docs/kms.md', 'Run a KMS'),
      page('docs/relay.md', 'Relay before several enclaves'),
      page('docs/enterprise-proxy.md', 'Proxy for an organisation'),
      page('docs/root-key.md', 'Root key and custodians'),
      page('docs/governance.md'),
      page('docs/model-servers.md'),
      page('docs/tokens.md'),
      page('docs/usage.md', 'Counts of usage'),
      page('docs/releases.md'),
    ],
  },
  {
    title: 'Auditors',
    entries: [
      page('docs/guides/auditor.md', 'Guide'),
      page('docs/verify.md'),
      page('docs/policy.md', 'Evidence policies'),
      page('docs/collateral.md'),
      page('docs/log.md', 'Log, witnesses, monitors'),
    ],
  },
  {
    title: 'Reference',
    entries: [page('docs/api.md', 'Fields of the API'), page('docs/errors.md')],
  },
  {
    title: 'Project',
    entries: [page('ARCHITECTURE.md'), page('SECURITY.md'), page('CONTRIBUTING.md'), page('CHANGELOG.md')],
  },
]
