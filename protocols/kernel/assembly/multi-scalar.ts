import { affineOfJacobian } from './affine'
import { addByBuckets, BUCKET_POINTS } from './buckets'
import { addBaseMultiple } from './comb'
import { jacobianSetO } from './jacobian'
import { POINT_SIZE } from './point'
import { addByStraus, STRAUS_POINTS } from './straus'

const FEW: i32 = 128 // from here on buckets are faster than tables

const total = memory.data(120, 16)

/** out = Σ sc·pt over n points; false when that is O, as for none. Public inputs, variable time. */
export function multiScalar(out: usize, pts: usize, scs: usize, n: i32): bool {
  const few = n < FEW
  const pass = few ? STRAUS_POINTS : BUCKET_POINTS
  jacobianSetO(total)
  for (let first = 0; first < n; first += pass) {
    const count = min(pass, n - first)
    const points = pts + <usize>first * POINT_SIZE
    const scalars = scs + <usize>first * 32
    if (few) addByStraus(total, points, scalars, count)
    else addByBuckets(total, points, scalars, count)
  }
  return finish(out)
}

/** out = scG·G + sc·pt; false when that is O. Public inputs, variable time. */
export function scalarBaseAndPoint(out: usize, scG: usize, pt: usize, sc: usize): bool {
  jacobianSetO(total)
  addBaseMultiple(total, scG)
  addByStraus(total, pt, sc, 1)
  return finish(out)
}

function finish(out: usize): bool {
  return affineOfJacobian(out, total, 1)
}
