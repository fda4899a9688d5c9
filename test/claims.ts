/**
 * Every security promise, as data. A test that proves one cites it: `it(claim('T1', 'refuses …'))`.
 * `claims.test.ts` fails for a promise no test cites and for a citation of no promise. A promise
 * whose code is not in this version is `deferred` with the reason, and the documents say so too.
 */
export interface Claim {
  /** What is promised, in one sentence. */
  sentence: string
  /** Where the promise is made: a section of ARCHITECTURE.md. */
  source: string
  deferred?: string
}

export const CLAIMS = {
  'owner.policy': {
    sentence:
      'A content key leaves the KMS only to a workload that one whole tuple of its owner’s policy admits, and one of the policy in force; an import that its owner made earlier never takes the place of a later one, whenever it arrives.',
    source: 'Lives of keys',
  },
  'owner.models': {
    sentence:
      'An enclave serves an owner’s model only as its owner signed it, while the witnessed log has the statement and the KMS releases the key; one that was removed or has expired gets no new request.',
    source: 'Data flows',
  },
  'owner.admitted': {
    sentence:
      'Only owners that members admitted keep content keys in the KMS, each as many as members allow; reaching the port admits nobody.',
    source: 'Lives of keys',
  },
  'owner.removal': {
    sentence:
      'A content key that its owner removed is gone: it is released to nobody and no import brings it back; nobody else can remove it. Which keys a removal of a model ends, the KMS finds by what the owner signed into the imports, and signs.',
    source: 'Lives of keys',
  },
  'rooms.consent': {
    sentence:
      'A party’s data are opened only for runs that every owner of an input consented to, in a room whose evidence passes, on an image that the contract pins for all that runs; a party’s own program verifies that before it signs.',
    source: 'Clean rooms',
  },
  'rooms.sealed': {
    sentence:
      'Relay, gateway, boards, log and disks see sealed data, sealed messages and sealed calls of a room; inputs open in the room alone, outputs for their receivers alone.',
    source: 'Clean rooms',
  },
  'rooms.rules': {
    sentence:
      'What breaks a rule of an owner leaves nothing of it: the run ends with the rule’s name, and what it cost stays charged.',
    source: 'Clean rooms',
  },
  'rooms.code': {
    sentence:
      'Code of a party runs in a room without a network, and sees no file and no other process of the machine: a module has its inputs alone, and no clock or chance of its own, a container its own image and inputs. Both run within bounds of memory, time and size, and what they say of an error stays there.',
    source: 'Clean rooms',
  },
  'rooms.training': {
    sentence:
      'Several owners train one model on tables that none of them shows. What each contributor can lose of privacy is proven before anybody signs, charged before keys leave, and of one charge one result leaves: a training whose room is gone goes on for nothing, and comes to the same.',
    source: 'Training',
  },
  'rooms.proof': {
    sentence:
      'Each output names the contract, inputs, code, models, evidence and budgets that it came of, in statements of room and KMS that a party verifies offline.',
    source: 'Clean rooms',
  },
  'see.relay': {
    sentence:
      'The relay learns the client address and ciphertext sizes; no request or answer, no inner path, header or status, no key.',
    source: 'Who can read what',
  },
  'see.network': {
    sentence: 'Network and cloud operator see no inner status, path, model name or header.',
    source: 'Who can read what',
  },
  'see.stores': {
    sentence: 'Log, stores and disks hold no request, no answer, no weights in clear and no key in clear.',
    source: 'Who can read what',
  },
  'see.gateway': {
    sentence:
      'Gateway and engines see content in memory only: it is never logged and never on a disk; they see the relay, not the client address.',
    source: 'Who can read what',
  },
  'see.kms': {
    sentence: 'The KMS never receives a request, an answer or a client address.',
    source: 'Who can read what',
  },
  'see.issuer': {
    sentence: 'The token issuer cannot link a token to its use.',
    source: 'Who can read what',
  },
  'chain.evidence': {
    sentence: 'The client verifies the hardware evidence of the KMS against roots its own policy names.',
    source: 'The chain of trust, 1',
  },
  'chain.measurement': {
    sentence:
      'The measurement of the KMS equals a release statement signed by a pinned key and included in the log.',
    source: 'The chain of trust, 2',
  },
  'release.reproducible': {
    sentence:
      'Anybody builds a measured image from its source, byte for byte the same, wherever, whenever and under whatever user.',
    source: 'Measurement',
  },
  'chain.receipt': {
    sentence: 'Request keys are covered by a receipt the KMS signed, included in the log.',
    source: 'The chain of trust, 3',
  },
  'chain.policy': {
    sentence: 'Key-release policies are whole tuples: values of two workloads never mix.',
    source: 'The chain of trust, 4',
  },
  governance: {
    sentence:
      'Nothing is accepted without the majority of the members that the constitution asks for; any one member can stop the release of keys.',
    source: 'The chain of trust, 4',
  },
  'chain.log': {
    sentence:
      'Checkpoints carry the log key and a witness quorum, proofs are checked, and the log is consistent with the last checkpoint this client saw.',
    source: 'The chain of trust, 5',
  },
  'chain.inference-receipt': {
    sentence: 'Every complete answer comes with a receipt that can be verified offline.',
    source: 'The chain of trust, 7',
  },
  'chain.required': {
    sentence:
      'The policy names every step it requires: one that is skipped or fails refuses the verdict, and a list that forgets or misspells one refuses the policy.',
    source: 'The chain of trust',
  },
  'chain.nothing-sent': {
    sentence:
      'Nothing is sent when a step fails or a required one is skipped, and there is no fallback to a weaker path.',
    source: 'The chain of trust',
  },
  T1: {
    sentence:
      'Clients and enclaves pin the genesis of one KMS; a second, genuine KMS of the same operator is refused.',
    source: 'Rules, T1',
  },
  T2: {
    sentence: 'The client appraises every tuple of the key policy itself; being logged is not enough.',
    source: 'Rules, T2',
  },
  T3: {
    sentence:
      'One log entry per genesis and epoch holds the whole key set; clients use whole sets only; a second set, a gap or a broken link alarms monitors, and a log that shows two histories leaves evidence of it.',
    source: 'Rules, T3',
  },
  T4: {
    sentence:
      'Request keys live at most 24 hours plus grace, in memory only, and are destroyed at expiry: neither root secret, custodians nor backups bring them back.',
    source: 'Rules, T4',
  },
  T5: {
    sentence: 'Every wrapped secret uses X-Wing, and the client policy sets the floor for requests.',
    source: 'Rules, T5',
  },
  T6: {
    sentence:
      'Evidence binds a recent witnessed checkpoint; evidence and checkpoint ages are bounded; ordinary bundles are byte-identical for everyone. Evidence for the nonce of an auditor is made when it asks, and passes for no other.',
    source: 'Rules, T6',
  },
  T7: {
    sentence:
      'One flipped byte in the bundle, an addon, Node or the configuration stops key release, and no engine is started later from other bytes than those measured; measured roles refuse NODE_OPTIONS, inspectors and core dumps.',
    source: 'Rules, T7',
  },
  T8: {
    sentence: 'Each evidence family has a binding table, and the verdict prints the parties one trusts.',
    source: 'Rules, T8',
  },
  T9: {
    sentence:
      'Evidence policies accept GPU evidence only beside CPU evidence that commits to its digest and count, never alone; unencrypted NVLink modes are refused unless a policy allows them by name.',
    source: 'Rules, T9',
  },
  T10: {
    sentence:
      'The software TEE has its own entry points, is absent from release images, listens on loopback only and never shares a policy with hardware.',
    source: 'Rules, T10',
  },
  T11: {
    sentence:
      'A KMS store that was rolled back or forked is detected against the log, and of its replicas one serves at a time.',
    source: 'Rules, T11',
  },
  T12: {
    sentence:
      'Spent tokens and replay windows are never trusted to the operator: a set that may have lost something voids the tokens it was for, and a gateway takes no request dated before it got its keys, or more than five minutes to come, by the time of the witnesses, wherever the host sets its clock.',
    source: 'Rules, T12',
  },
  'T12.once': {
    sentence:
      'A request that is repeated because somebody outside the encryption said that it was not taken runs once at a gateway, and with a token is answered once at all gateways of a spent set.',
    source: 'Rules, T12',
  },
  'T12.budgets': {
    sentence:
      'Budgets of contracts are never trusted to the operator: a run is charged durably before its keys leave, once whatever fails, and a ledger that was rolled back is refused. The log has a salted digest of it in any case, and that the contract had a run only while every party consents to that.',
    source: 'Rules, T12',
  },
  T13: {
    sentence:
      'Time is a monotone lower bound from witness cosignatures: a host clock turned back prolongs no key, and without a fresh checkpoint for too long by the monotonic clock nothing is served.',
    source: 'Rules, T13',
  },
  T14: {
    sentence:
      'Witnesses of at least two independent organisations count, each organisation once; those of the operator count zero, and the verdict shows it.',
    source: 'Rules, T14',
  },
  T15: {
    sentence:
      'Custodians verify the genesis and fresh evidence of the KMS before they release a share; fewer than k of them bring nothing back. Upgrades go from an attested KMS to an attested one, are in the log, and never decrease the security version.',
    source: 'Rules, T15',
  },
  'models.owner': {
    sentence:
      'Only the owner of a name publishes a model under it, replaces it or removes it; every statement and removal is signed by the owner and in the log.',
    source: "Owners' models",
  },
  'models.removal': {
    sentence: 'What its owner removed, or whose time has come, is never served again, whoever puts it back.',
    source: "Owners' models",
  },
  'models.sealed': {
    sentence:
      "A model is sealed on its owner's machine, and its content key leaves that machine only wrapped to a KMS whose evidence was verified.",
    source: "Owners' models",
  },
  T16: {
    sentence:
      'The KMS certifies the boot receipt key at release, logged before serving; digests are salted; no receipt on a cut stream.',
    source: 'Rules, T16',
  },
  'receipt.logged': {
    sentence:
      'Where the declared data use says so, an enclave logs its receipts as salted digests that only their holders recognise, in batches that show neither when nor how many answers there were; a batch that is missing or has a second version alarms monitors, and a receipt that is in none is said to be not logged.',
    source: 'Receipts',
  },
  T17: {
    sentence:
      'Requests and streamed tokens are padded to size buckets by default, and identifying headers are stripped inside and outside.',
    source: 'Rules, T17',
  },
  T18: {
    sentence:
      'No stable bearer key travels on the anonymous path; issuer keys are logged, the same for everybody, at most two live per class.',
    source: 'Rules, T18',
  },
  T19: {
    sentence:
      'Engines run in their own process with their own uid and no network; weights never share a process with request keys. A prefix is reused only under a random salt its client chose and sent inside the encryption, and whoever lacks it sees nothing of it, in answers or in work saved. Parties share an engine fairly: no flood of one keeps another out.',
    source: 'Rules, T19',
  },
  T20: {
    sentence:
      'Each release, of a KMS, an enclave or a room, declares what it does with content, signed, logged and bound to its measurement; the enclave does nothing else, and a client policy can require it of all of them.',
    source: 'Rules, T20',
  },
  'T19.app': {
    sentence:
      'An own app is reached through the gateway and in no other way, and reaches nothing but the models beside it; of its code, where that is sealed, and of its secrets nothing is on a disk in clear.',
    source: 'Rules, T19',
  },
  'T20.app': {
    sentence:
      'A release says which app its enclave runs beside the models; the enclave runs no other and takes no keys where both disagree, and no client sends anything to an enclave whose app its policy does not name.',
    source: 'Rules, T20',
  },
  T21: {
    sentence:
      "The local proxy checks Host and Origin and can require a local secret; with an owner's key it acts only for whoever has a secret of its own, and for no web page.",
    source: 'Rules, T21',
  },
  'T21.console': {
    sentence:
      'The command serves the web pages on this machine only, as they were built: none of a set with a changed file, none to a foreign Host; and their headers let them load nothing but their own files and reach nothing but one relay.',
    source: 'Web pages',
  },
  'T21.verify': {
    sentence:
      'Pages that somebody else serves are compared with the signed and logged release, file by file: a file, header or policy that is another one is named.',
    source: 'Web pages',
  },
  'T21.served': {
    sentence: 'A page that does not come from the machine of its user says so.',
    source: 'Web pages',
  },
} as const satisfies Record<string, Claim>

export type ClaimId = keyof typeof CLAIMS

/** A test title that cites promises: `claim('T1', 'refuses a second KMS')`, `claim(['T2', 'chain.policy'], …)`. */
export function claim(ids: ClaimId | readonly ClaimId[], title: string): string {
  return `${title} [${(Array.isArray(ids) ? ids : [ids]).join(', ')}]`
}
