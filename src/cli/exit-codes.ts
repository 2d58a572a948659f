/** What a command's exit code means. Scripts rely on these numbers: they never change. */
export const EXIT: Readonly<{
  ok: 0
  failed: 1
  refused: 2
  unreachable: 3
  waiting: 4
  needsOperators: 5
  portViolation: 70
  sealing: 71
  rollback: 72
  selfTest: 73
  bundle: 74
  guestLost: 75
  uncaught: 76
}> = Object.freeze({
  /** Done as asked. A node that was told to stop ends with it too. */
  ok: 0,
  /** It was tried and did not work; the message says why. */
  failed: 1,
  /** Wrong arguments or settings, or the network refused the request: trying again changes nothing. */
  refused: 2,
  /** No node answered. */
  unreachable: 3,
  /** Not yet: the network is up but cannot do it now (too few signers, not ready). Try again later. */
  waiting: 4,
  /** Only operators can resolve it (03 §12). */
  needsOperators: 5,
  // 70 to 74 are the guest's own exit codes (04 §1); a node whose guest ended so ends with the same.
  portViolation: 70,
  sealing: 71,
  rollback: 72,
  selfTest: 73,
  bundle: 74,
  /** The guest was ended from outside, for example killed. */
  guestLost: 75,
  /** The host met an error that nobody expected; its guest is another process. */
  uncaught: 76,
})

/** What each exit code means, for `holdfast help exit-codes` and the documents. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'failed: the message says why'],
  [EXIT.refused, 'wrong arguments or settings, or refused by the network'],
  [EXIT.unreachable, 'no node answered'],
  [EXIT.waiting, 'not yet: too few nodes, or not ready; try again'],
  [EXIT.needsOperators, 'operators must act: the message says who, and what to do'],
  [EXIT.portViolation, 'start: the guest refused a message of its host'],
  [EXIT.sealing, 'start: the sealed records or their keys do not open'],
  [EXIT.rollback, 'start: the records are older than the guest remembers'],
  [EXIT.selfTest, 'start: the guest failed its self-tests'],
  [EXIT.bundle, 'start: the guest bundle is not one the network allows'],
  [EXIT.guestLost, 'start: the guest ended unexpectedly'],
  [EXIT.uncaught, 'start: an error that nobody caught ended the host; report it'],
]
