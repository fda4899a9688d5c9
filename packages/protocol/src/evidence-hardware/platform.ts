import type { HardwareFiles, HardwareFinding } from './types.ts'

/** Asset tag of every virtual machine of Azure. */
const AZURE_TAG = '7783-7084-3265-9085-8269-3286-77'
const TPM = '/dev/tpmrm0'
const TPM_WITHOUT_MANAGER = '/dev/tpm0'
const NSM = '/dev/nsm'
const GRAMINE = '/dev/attestation/attestation_type'
const SGX = '/dev/sgx_enclave'
const NVIDIA = '/proc/driver/nvidia/version'
const NVIDIA_CONTROL = '/dev/nvidiactl'

type Outcome = Pick<HardwareFinding, 'status' | 'why'> & { fix?: string }

/** Azure confidential virtual machines: the paravisor's report and quotes come from a virtual TPM. */
export async function detectAzure(files: HardwareFiles): Promise<HardwareFinding> {
  return { source: 'azure-cvm', title: 'Azure confidential VM', ...(await azure(files)) }
}

async function azure(files: HardwareFiles): Promise<Outcome> {
  const tag = await files.readText('/sys/class/dmi/id/chassis_asset_tag')
  if (tag?.trim() !== AZURE_TAG) return { status: 'absent', why: 'this is no virtual machine of Azure' }
  const tpm = await files.access(TPM)
  if (tpm === undefined) {
    const isOld = await files.exists(TPM_WITHOUT_MANAGER)
    return {
      status: 'blocked',
      why: isOld ? 'the TPM has no resource manager' : 'this virtual machine of Azure has no TPM',
      fix: isOld
        ? 'load tpm_crb of Linux 4.12 or later'
        : 'choose a confidential size (DCasv5, DCesv5 or later) with a vTPM',
    }
  }
  if (!tpm.read || !tpm.write)
    return {
      status: 'blocked',
      why: `this process may not use ${TPM}`,
      fix: 'add its user to the group tss, or run as root',
    }
  return { status: 'ready', why: `HCL report and quotes through ${TPM}, if its size is a confidential one` }
}

/** SGX enclaves, through Gramine. */
export async function detectSgx(files: HardwareFiles): Promise<HardwareFinding> {
  return { source: 'sgx', title: 'Intel SGX enclave', ...(await sgx(files)) }
}

async function sgx(files: HardwareFiles): Promise<Outcome> {
  const type = (await files.readText(GRAMINE))?.trim()
  if (type === undefined) {
    if (!(await files.exists(SGX))) return { status: 'absent', why: `there is no ${SGX}` }
    return {
      status: 'blocked',
      why: 'the processor has SGX, and this process runs outside of it',
      fix: 'start it with gramine-sgx',
    }
  }
  if (type === 'dcap') return { status: 'ready', why: 'quotes through /dev/attestation of Gramine' }
  return {
    status: 'blocked',
    why: `Gramine makes no DCAP quotes (attestation_type is ${/^\w{1,16}$/.test(type) ? type : 'something else'})`,
    fix: 'set sgx.remote_attestation = "dcap" in its manifest and sign it again',
  }
}

/** Enclaves of AWS Nitro. */
export async function detectNitro(files: HardwareFiles): Promise<HardwareFinding> {
  const access = await files.access(NSM)
  const outcome: Outcome =
    access === undefined
      ? { status: 'absent', why: `there is no ${NSM}` }
      : access.read && access.write
        ? { status: 'ready', why: `documents through ${NSM}, by a helper` }
        : { status: 'blocked', why: `this process may not use ${NSM}`, fix: 'run as root inside the enclave' }
  return { source: 'nitro', title: 'AWS Nitro enclave', ...outcome }
}

/** GPUs in confidential mode. Whether the mode is on is for NVIDIA's program to say. */
export async function detectNvidia(files: HardwareFiles): Promise<HardwareFinding> {
  return { source: 'nvidia', title: 'NVIDIA confidential GPU', ...(await nvidia(files)) }
}

async function nvidia(files: HardwareFiles): Promise<Outcome> {
  if ((await files.readText(NVIDIA)) === undefined)
    return { status: 'absent', why: 'the driver of NVIDIA is not loaded' }
  const control = await files.access(NVIDIA_CONTROL)
  if (control === undefined || !control.read || !control.write)
    return {
      status: 'blocked',
      why: `this process may not use ${NVIDIA_CONTROL}`,
      fix: 'give it the device (nvidia-container-toolkit does), or run as root',
    }
  return {
    status: 'ready',
    why: 'evidence through nvattest, if confidential computing is on (nvidia-smi conf-compute -f)',
  }
}
