import { gadgetSum } from '../../../../../protocols/kernel/assembly/gadget.ts'
import {
  CHOICE_B,
  CHOICE_SIZE,
  rvoleAlice,
  rvoleBob,
  rvoleCheck,
  rvoleFinish,
} from '../../../../../protocols/kernel/assembly/rvole.ts'

export { gadgetSum, rvoleAlice, rvoleBob, rvoleCheck, rvoleFinish }

const ARENA = memory.data(1 << 18, 16)

export function arena(): usize {
  return ARENA
}

export function choiceSize(): i32 {
  return CHOICE_SIZE
}

export function choiceB(): i32 {
  return CHOICE_B
}
