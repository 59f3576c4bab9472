/** The product's mark: a chilli with a prompt in it. */
export function Mark(props: { readonly size: number }) {
  return (
    <svg width={props.size} height={props.size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <path d="M9 4c1 3 3 4 5 4 7 0 11 6 11 12 0 5-3 8-8 8C9 28 5 21 5 14c0-3 1-5 3-6-1-1-1-3 1-4z" fill="#cf3a22" />
      <path d="M8 8c2 0 4 1 6 0" stroke="#3f7d3a" strokeWidth="2.4" fill="none" strokeLinecap="round" />
      <path
        d="m12 15 4 3.5-4 3.5M18 22h4"
        stroke="#fff"
        strokeWidth="2.2"
        fill="none"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
