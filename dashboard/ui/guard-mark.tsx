/** A guard that was asked: what it said, and what it judged where that is known. */
export const GuardMark = ({
  guard,
  holds,
  values,
}: {
  guard: string;
  holds: boolean;
  values: string | null;
}) => (
  <span className="guard" data-holds={holds}>
    <span aria-hidden="true">{holds ? '✓' : '–'}</span> {guard}
    {values !== null && <span className="guard-values"> · {values}</span>}
    <span className="visually-hidden">{holds ? ' holds' : ' does not hold'}</span>
  </span>
);
