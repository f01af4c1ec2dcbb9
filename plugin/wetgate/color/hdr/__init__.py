"""From SDR to HDR and back, in light: the methods of BT.2446 and BT.2408, and an adaptive one."""
