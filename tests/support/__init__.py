"""What tests share: comparing frames, one table of tolerances, small pictures, and the contract that nodes keep."""
