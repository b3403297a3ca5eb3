// The pages work without a script; this one makes them smoother.
export {};
