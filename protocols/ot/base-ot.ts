import type { Breathe } from '../crypto/breathe.ts'
import type { AnyHandle, Handle, Kernel } from '../kernel/kernel.ts'

/** P2: Alice's φ against the peer's A (02 §2.3), a breath after each step. */
export async function pairReceive(
  kernel: Kernel,
  sid: Uint8Array,
  A: Uint8Array,
  breathe: Breathe,
): Promise<{ phi: Uint8Array; receiver: Handle<'receiver'> } | 'malformed'> {
  const receiving = kernel.pairReceiveBegin(sid, A)
  if (receiving === 'malformed') return receiving
  return inSteps(kernel, receiving, () => kernel.pairReceiveStep(receiving), breathe)
}

/** P3: Bob's PPRF message, from the peer's φ (02 §2.3, §2.4), a breath after each step. Consumes `sender`. */
export async function pairBuild(
  kernel: Kernel,
  sender: Handle<'sender'>,
  sid: Uint8Array,
  phi: Uint8Array,
  breathe: Breathe,
): Promise<{ pprf: Uint8Array; bob: Handle<'bob'> } | 'malformed'> {
  const building = kernel.pairBuildBegin(sender, sid, phi)
  if (building === 'malformed') return building
  return inSteps(kernel, building, () => kernel.pairBuildStep(building), breathe)
}

/** Until a step has a result. When the breath fails, the half-done state is wiped. */
async function inSteps<Result>(
  kernel: Kernel,
  state: AnyHandle,
  step: () => Result | undefined,
  breathe: Breathe,
): Promise<Result> {
  for (;;) {
    const result = step()
    if (result !== undefined) return result
    try {
      await breathe()
    } catch (cause) {
      kernel.wipe(state)
      throw cause
    }
  }
}
