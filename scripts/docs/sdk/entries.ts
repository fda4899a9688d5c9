/** A module of a package that programs import, and the file it is. */
export interface SdkEntry {
  readonly name: string
  readonly file: string
  /** In a sentence, what it is for. */
  readonly about: string
}

const entry = (name: string, file: string, about: string): SdkEntry => ({
  name: `@sotto/${name}`,
  file: `packages/${file}/index.ts`,
  about,
})

/** What the reference shows: the client, the verifier, and what examples and guides import of the protocol. */
export const SDK_ENTRIES: readonly SdkEntry[] = [
  entry('client', 'client/src', 'Verifies a service, then sends requests that only verified enclaves read.'),
  entry('client/tensors', 'client/src/tensors', 'Tensors in and out, and NumPy files.'),
  entry('client/receipt-log', 'client/src/receipt-log', 'Whether a receipt was in the log, and before when.'),
  entry('client/monitor', 'client/src/monitor', 'Reads a whole log and says what must not be there.'),
  entry('client/collateral', 'client/src/collateral', 'Asks vendors for what hardware evidence needs.'),
  entry('client/node', 'client/src/node', 'Files and folders that a client on Node keeps things in.'),
  entry('verifier', 'verifier/src', 'Judges trust bundles and receipts by your policy.'),
  entry('verifier/family', 'verifier/src/family', 'Hardware evidence of any kind, told by its content.'),
  entry(
    'verifier/appraisal',
    'verifier/src/appraisal',
    'Evidence policies: which hardware, firmware and programs.',
  ),
  entry('verifier/provenance', 'verifier/src/provenance', 'Where an image was built, and by how many.'),
  entry('protocol/errors', 'protocol/src/errors', 'The error that everything here throws.'),
  entry('protocol/bytes', 'protocol/src/bytes', 'Bytes, text, hexadecimal and base64.'),
  entry('protocol/receipts', 'protocol/src/receipts', 'The documents that an answer is proven with.'),
  entry('protocol/ohttp', 'protocol/src/ohttp', 'Oblivious HTTP, whole and chunked.'),
  entry('protocol/cose', 'protocol/src/cose', 'COSE messages and receipts of other logs.'),
  entry('protocol/azure-dialect', 'protocol/src/azure-dialect', "What Microsoft's attested OHTTP says."),
]

/** The file that the page of a module would stand in. */
export function moduleFile(name: string): string {
  return `docs/reference/sdk-${name.replace('@sotto/', '').replaceAll('/', '-')}.md`
}
