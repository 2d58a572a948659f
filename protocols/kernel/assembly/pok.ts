import { oracleBegin, oracleEnd, oracleField, TAG_POK } from './oracle'
import { scWide } from './scalar'

const ENCODED: usize = 33
const wide = memory.data(64, 16)

/** e of a proof: RO(pok; sid, guest, u16 index ‖ u16 coefficient, Y, T), wide. All public. */
export function pokChallenge(
  out: usize,
  sid: usize,
  guest: usize,
  place4: usize,
  Y: usize,
  T: usize,
): void {
  oracleBegin(TAG_POK)
  oracleField(sid, 32)
  oracleField(guest, 32)
  oracleField(place4, 4)
  oracleField(Y, ENCODED)
  oracleField(T, ENCODED)
  oracleEnd(wide, 64)
  scWide(out, wide)
}
