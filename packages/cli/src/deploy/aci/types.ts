/** A variable whose value a parameter of the template gives when it is deployed. */
export interface AciSecretEnv {
  name: string
  /** Parameter of the template, a `securestring`. */
  parameter: string
}

/** A folder of a container that outlives its restarts but not its group: in the memory and the encrypted scratch of the machine. */
export interface AciVolumeMount {
  /** Volumes of one name are one. */
  name: string
  /** Absolute path in the container. */
  path: string
}

/** A container of a group. All but `ports`, `cpu` and `memoryGiB` is in the policy. */
export interface AciContainer {
  /** Lower-case letters, digits and dashes, at most 63. */
  name: string
  /** `HOST/REPOSITORY@sha256:DIGEST`. */
  image: string
  /** dm-verity root hash of every layer, from the lowest on, 64 hexadecimal characters each: see `hashLayers`. */
  layers: readonly string[]
  /** The whole command line: program and arguments. */
  command: readonly string[]
  /** Where it runs: `WorkingDir` of the image. Default `/`. */
  workingDirectory?: string
  /** `NAME=value` of the image, which the host passes on. Default none. */
  imageEnv?: readonly string[]
  /** Variables beside those of the image, or in their place. Default none. */
  env?: Readonly<Record<string, string>>
  /** Whoever deploys chooses their values, so nothing that is secret from that person may depend on them. Default none. */
  secretEnv?: readonly AciSecretEnv[]
  /** Who it runs as. Default 65532, which owns nothing. */
  uid?: number
  gid?: number
  /** Capabilities of Linux that it has, `CAP_…`. Default none. */
  capabilities?: readonly string[]
  volumes?: readonly AciVolumeMount[]
  /** TCP ports that it listens on. */
  ports: readonly number[]
  /** Cores, more than 0. */
  cpu: number
  memoryGiB: number
}

/** A confidential container group: containers in one machine, under one policy. Plain data. */
export interface AciInput {
  /** Of the group: like a container's. */
  name: string
  /** Region of Azure, like `westeurope`. */
  region: string
  /** First label of its public name. Absent: it has no address outside of the group. */
  dnsLabel?: string
  /** Ports that the group is reached at, of those its containers listen on. Default all. */
  publicPorts?: readonly number[]
  /** A registry that wants credentials, which are parameters of the template. Absent: images are public. */
  registry?: { server: string; usernameParameter?: string; passwordParameter?: string }
  containers: readonly AciContainer[]
}

/** What is deployed, and what hardware will say of it. */
export interface AciOutput {
  /** The ARM template, as JSON with a line end. */
  template: string
  /** The policy, as the guest enforces it. */
  policy: string
  /** SHA-256 of the policy, 64 hexadecimal characters: HOST_DATA of the SNP report. */
  hostData: string
}
